"""The trainer of a job, ready to train: arguments, model, tokens, callbacks, and the whole checkpoint that it goes on from."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from align.machine import Machine
from align.tokens.token_file import TOKENIZER, TOKENS, read_tokens
from align.training import checkpoints, cpu_head, parallel
from align.training.arguments import trainer_arguments, weights_dtype
from align.training.job import Job
from align.training.stopping import StopRequest
from align.training.weights import adapter_config, load_model
from kielo.errors import KieloError, MissingExtraError, RecipeError
from kielo.provenance import CHECKOUT

Build = Callable[..., Any]
"""Makes a trainer of TRL's from (job, model, arguments, dataset, tokenizer, adapter)."""


@dataclass(frozen=True)
class Made:
    """A trainer, and what was decided for it."""

    trainer: Any
    resumed: Path | None
    shared: parallel.Parallel
    watch: Any


def make_trainer(
    job: Job, machine: Machine, build: Callable[[], tuple[type[Any], Build]], request: StopRequest
) -> Made:
    """Put the trainer of a job together; every process of a training does, the first one also tidies the folder.

    Raises:
        RecipeError: the trainer refuses an argument.
        RunFolderError: a checkpoint belongs to another job.
        MissingExtraError: a package is not installed.
    """
    try:
        config_class, make = build()
    except ImportError as error:
        raise MissingExtraError(
            f"training needs the packages of the extra `train` ({error}); pip install -e '.[train]'."
        ) from error
    from transformers import AutoTokenizer

    from align.probes.preflight import Preflight
    from align.training.metrics import one_progress_bar

    one_progress_bar()
    _send_no_telemetry()
    arguments, shared = _arguments(job, machine, config_class)
    resumed = checkpoints.newest(job, shared.kind)
    parallel.wait_for_all()  # nobody may still be looking at what the first process removes
    if arguments.process_index == 0:
        checkpoints.remove_incomplete(job, resumed)
        parallel.write_file(job, machine, shared)
    tokenizer = AutoTokenizer.from_pretrained(str(Path(job.tokens) / TOKENIZER))
    model = load_model(job, tokenizer, weights_dtype(job, machine))
    dataset = read_tokens(Path(job.tokens) / TOKENS)
    trainer = _as_user_mistake(job, lambda: make(job, model, arguments, dataset, tokenizer, adapter_config(job, model)))
    _refuse_late_mistakes(job, trainer)
    parallel.add_up_in_32_bits(trainer, shared)
    _use_own_head(job, trainer, machine.device == "cpu" and not (arguments.bf16 or arguments.fp16))
    trainer.add_callback(Preflight(job, machine, tokenizer))
    return Made(trainer, resumed, shared, _watched(job, trainer, resumed, shared, request))


def _arguments(job: Job, machine: Machine, config_class: type[Any]) -> tuple[Any, parallel.Parallel]:
    given = trainer_arguments(job, machine)
    shared = parallel.render(job, machine, given)
    arguments = parallel.start(
        shared, machine, lambda more: _as_user_mistake(job, lambda: config_class(**{**given, **more}))
    )
    return arguments, shared


def _watched(job: Job, trainer: Any, resumed: Path | None, shared: parallel.Parallel, request: StopRequest) -> Any:
    """Exchange what the libraries tell of a training for what we do; returns the watch over it."""
    from transformers import PrinterCallback

    from align.training.metrics import Metrics
    from align.training.report_runs import keep_together
    from align.training.watch import Watch

    trainer.remove_callback(PrinterCallback)
    keep_together(job, trainer)
    # TRL's card, written with every checkpoint, names neither data nor settings
    trainer.create_model_card = lambda *_, **__: None
    watch = Watch(job, request, shared.kind)
    watch.follow(trainer)
    trainer.add_callback(watch)
    trainer.add_callback(Metrics(job, resumed, trainer.is_world_process_zero(), shared.kind))
    return watch


def _send_no_telemetry() -> None:
    """Keep TRL from reporting the training; huggingface_hub has read its environment variable long before this."""
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True


def _as_user_mistake(job: Job, make: Callable[[], Any]) -> Any:
    """Make something of TRL's; what it refuses are values of the recipe's trainer keys. An error in our own code stays one."""
    try:
        return make()
    except (ValueError, TypeError, NotImplementedError, ImportError, RuntimeError) as error:
        # report_to tells of a missing package as RuntimeError
        other = type(error) is RuntimeError and "to be installed" not in str(error)
        if isinstance(error, KieloError) or other or _raised_by_us(error):
            raise
        raise RecipeError(f"{job.kind}.trainer: {error}") from error


def _raised_by_us(error: Exception) -> bool:
    """Tell whether the last call that failed stands in our own code, and not in a library."""
    place = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return CHECKOUT in place.parents and "site-packages" not in place.parts


def _refuse_late_mistakes(job: Job, trainer: Any) -> None:
    """Give sentences to what transformers sees only when the training begins: packages, optim_args, lr_scheduler_kwargs."""
    if trainer.args.use_liger_kernel and find_spec("liger_kernel") is None:
        raise MissingExtraError(
            f"{job.kind}.trainer.use_liger_kernel needs the package liger-kernel; pip install liger-kernel, or leave it out."
        )

    def told(make: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **named: _as_user_mistake(job, lambda: make(*given, **named))

    trainer.create_optimizer, trainer.create_scheduler = told(trainer.create_optimizer), told(trainer.create_scheduler)


def _use_own_head(job: Job, trainer: Any, sooner: bool) -> None:
    """Use our output layer where it is `sooner`, and where TRL's would not see that rows of added tokens are trained.

    TRL's fused head multiplies by the layer's weight, past the adapter that peft has put around it; it fails on it.
    """
    for model in (trainer.model, getattr(trainer, "ref_model", None)):
        if model is None:
            continue
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        adapted = hasattr(base.get_output_embeddings(), "token_adapter")
        if (adapted or sooner) and cpu_head.fits(base):
            cpu_head.attach(base)
        elif adapted:
            raise RecipeError(
                f"{job.kind}.lora: the chat template adds tokens, and adapters cannot train them on a {base.config.model_type}, which rescales its logits; train without lora, or use a template of tokens that the model has."
            )
