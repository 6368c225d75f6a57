"""The forward passes of the step `reference`: pairs in chunks that are kept, every process its share, by TRL's own arithmetic."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from align.machine import Machine, this_machine
from align.tokens.token_file import TOKENIZER, TOKENS, read_tokens
from align.training import cpu_head, parallel
from align.training.arguments import trainer_arguments, weights_dtype
from align.training.job import Job
from align.training.launch import is_launched
from align.training.stopping import Stopped, StopRequest
from align.training.weights import load_model
from kielo.progress import progress
from kielo.records import read_jsonl, replacing, write_jsonl

CHUNKS = "chunks"
ROWS_OF_A_CHUNK = 2048
_TOKENS_AT_ONCE = {"cpu": 2048, "cuda": 32768}
"""Padded tokens of one forward pass; without gradients no activations are kept, so more fit than in a training."""
_JOB = b"job"
Score = tuple[int, float, float]
"""Row, log-probability of the chosen answer, of the rejected one."""


def make_scores(job: Job, file: Path) -> None:
    """Score the pairs of a job, chunk by chunk, and write the file.

    Raises:
        Stopped: a signal asked for it; the chunks that are done are kept.
    """
    machine = this_machine()
    trainer, model = _frozen(job, machine)
    rows, request = len(trainer.train_dataset), StopRequest(job.folder)
    # a changed job has chunks of its own
    folder = job.folder / CHUNKS / job.fingerprint[:16]
    chunks = {start: folder / f"{start:08d}.jsonl" for start in range(0, rows, ROWS_OF_A_CHUNK)}
    left = _as_first(start for start, chunk in chunks.items() if not chunk.is_file())
    bar = progress(len(chunks), f"reference/{job.folder.name}", "chunks", len(chunks) - len(left))
    with bar, request.listen(patient=is_launched()):
        for start in left:
            if _asked_anywhere(request):
                if trainer.is_world_process_zero():
                    request.answer(is_launched())
                parallel.wait_for_all()
                raise Stopped
            found = score_rows(trainer, model, range(start, min(start + ROWS_OF_A_CHUNK, rows)), _room(job, machine))
            if trainer.is_world_process_zero():
                write_jsonl(chunks[start], ({"row": row, "chosen": one, "rejected": two} for row, one, two in found))
                bar.update(1)
    if trainer.is_world_process_zero():
        _write(file, job, trainer.train_dataset["id"][:], list(chunks.values()))
        shutil.rmtree(job.folder / CHUNKS)
        request.done()
    if request.signalled and not is_launched():
        raise Stopped  # in the last chunk: who asked wants no other step of the plan begun


def _frozen(job: Job, machine: Machine) -> tuple[Any, Any]:
    """Load the start model as a DPOTrainer holds its reference; the trainer lends its collator and its arithmetic."""
    from transformers import AutoTokenizer
    from trl import DPOConfig

    from align.preferences.trainer import PairTrainer, no_reference_model
    from align.training.metrics import one_progress_bar

    one_progress_bar()
    rows_at_once = job.trainer.get("per_device_train_batch_size", 1)
    unbatched = dataclasses.replace(
        job, trainer={**job.trainer, "global_batch_size": rows_at_once * machine.processes, "max_steps": 1}
    )
    given = trainer_arguments(unbatched, machine) | {"beta": 1.0, "gradient_checkpointing": False}
    shared = parallel.render(unbatched, machine, given)
    arguments = parallel.start(shared, machine, lambda more: DPOConfig(**{**given, **more}))
    tokenizer = AutoTokenizer.from_pretrained(str(Path(job.tokens) / TOKENIZER))
    model = load_model(job, tokenizer, weights_dtype(job, machine))
    dataset = read_tokens(Path(job.tokens) / TOKENS)
    with no_reference_model():
        trainer = PairTrainer(model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer)
    if machine.device == "cpu" and not (arguments.bf16 or arguments.fp16) and cpu_head.fits(trainer.model):
        cpu_head.attach(trainer.model)
    return trainer, _spread(trainer, shared).eval()


def _spread(trainer: Any, shared: parallel.Parallel) -> Any:
    """Spread the model over the processes, as the training does."""
    if shared.kind == "fsdp2":
        from accelerate.utils.fsdp_utils import fsdp2_prepare_model

        return fsdp2_prepare_model(trainer.accelerator, trainer.model)
    if shared.kind == "zero3":
        from trl.models.utils import prepare_deepspeed

        return prepare_deepspeed(trainer.model, trainer.accelerator)
    return trainer.accelerator.prepare_model(trainer.model, evaluation_mode=True)


def _room(job: Job, machine: Machine) -> int:
    written = job.trainer.get("per_device_train_batch_size")
    return 2 * job.longest_row * written if written else _TOKENS_AT_ONCE[machine.device]


def score_rows(trainer: Any, model: Any, rows: Sequence[int], room: int) -> list[Score]:
    """Score some rows, every process its share; all of them get all scores, in the order of the rows."""
    from accelerate.utils import gather_object

    dataset, world = trainer.train_dataset, trainer.args.world_size
    batches = list(batches_by_length({row: _length(dataset[row]) for row in rows}, room))
    # Sharded models need every process in every pass: one that is left over scores the first batches once more.
    turns = -(-len(batches) // world) * world
    found: dict[int, Score] = {}
    for turn in range(trainer.args.process_index, turns, world):
        batch = batches[turn % len(batches)]
        inputs = trainer._prepare_inputs(trainer.data_collator([dataset[row] for row in batch]))
        inputs.pop("group")
        chosen, rejected = (scores.tolist() for scores in trainer.compute_ref_log_probs(model, inputs))
        found |= {row: (row, one, two) for row, one, two in zip(batch, chosen, rejected, strict=True)}
    everyones: list[Score] = gather_object(list(found.values()))
    return sorted({score[0]: score for score in everyones}.values())


def _length(row: Mapping[str, Any]) -> int:
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))


def batches_by_length(lengths: Mapping[int, int], room: int) -> Iterator[list[int]]:
    """Group rows of like length into batches of at most `room` tokens, two texts a row, padding included; longest first."""
    batch: list[int] = []
    for row in sorted(lengths, key=lambda row: (-lengths[row], row)):
        if batch and 2 * lengths[batch[0]] * (len(batch) + 1) > room:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _as_first(values: Iterator[int]) -> list[int]:
    """Give all processes what the first one finds: they must do the same."""
    from accelerate.utils import broadcast_object_list

    found = [list(values)]
    broadcast_object_list(found)
    return found[0]


def _asked_anywhere(request: StopRequest) -> bool:
    from accelerate.utils import gather_object

    return any(gather_object([request.asked()]))


def _write(file: Path, job: Job, ids: Sequence[str], chunks: Sequence[Path]) -> None:
    import pyarrow

    scores = [row for chunk in chunks for _, row in read_jsonl(chunk)]
    assert [row["row"] for row in scores] == list(range(len(ids))), f"{file}: a chunk holds other rows than its own"
    columns = {"ref_chosen_logps": "chosen", "ref_rejected_logps": "rejected"}
    values = {name: pyarrow.array([row[key] for row in scores], pyarrow.float32()) for name, key in columns.items()}
    table = pyarrow.table({"id": pyarrow.array(ids), **values}, metadata={_JOB: job.fingerprint})
    with replacing(file) as stream, pyarrow.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)


def job_of(file: Path) -> str | None:
    """Read for which job a file of scores was made; None without one."""
    import pyarrow

    if not file.is_file():
        return None
    with file.open("rb") as stream:
        metadata = pyarrow.ipc.open_stream(stream).schema.metadata or {}
    return metadata[_JOB].decode() if _JOB in metadata else None
