"""IFEval prompts in another language: arguments first, one to one; then the prompt around them; then every literal verified."""

from translate.ifeval.planning import arguments_tsv, plan_prompts
from translate.ifeval.prompt import PromptPlan, cut_around, localise

__all__ = ["PromptPlan", "arguments_tsv", "cut_around", "localise", "plan_prompts"]
