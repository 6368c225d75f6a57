"""The ground floor of Kielo: what every stage stands on (it imports no stage; `kielo.cli` and `kielo.execute` are the roof)."""

__version__ = "0.1.0"
