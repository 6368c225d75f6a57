"""Scores sentences by COMET, in a Python of its own: `python comet_script.py MODEL SENTENCES OUT BATCH_SIZE`.

SENTENCES holds a JSON object a line with src, mt and ref; OUT becomes a JSON object with `scores`, one per line in their
order, and `version`. MODEL is a Hub id or the path of a checkpoint. It imports nothing of Kielo: unbabel-comet needs
older versions of numpy and transformers than Kielo does, and this file must run where they are.
"""

import json
import os
import sys

NO_COMET = 9
"""Exit status where this Python has no unbabel-comet."""


def main(model: str, sentences: str, out: str, batch_size: str) -> int:
    """Score a file of sentences; returns the exit status."""
    try:
        import comet
    except ImportError as error:
        print(f"this Python cannot import comet: {error}", file=sys.stderr)
        return NO_COMET
    import torch

    with open(sentences, encoding="utf-8") as stream:
        samples = [json.loads(line) for line in stream]
    checkpoint = model if os.path.isfile(model) else comet.download_model(model)
    loaded = comet.load_from_checkpoint(checkpoint)
    gpus = min(torch.cuda.device_count(), 1)  # several would return the sentences in another order
    predicted = loaded.predict(samples, batch_size=int(batch_size), gpus=gpus, progress_bar=False)
    with open(out, "w", encoding="utf-8") as stream:
        json.dump({"scores": [float(score) for score in predicted.scores], "version": comet.__version__}, stream)
    return 0


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: its modules are not what comet's imports mean
    sys.exit(main(*sys.argv[1:]))
