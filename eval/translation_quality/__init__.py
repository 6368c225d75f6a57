"""How well the translation engine does on sentences that have a reference: sacreBLEU's metrics and, where asked for, COMET."""
