"""How texts are put to language models: shots, formats, long texts cut, what a model copies best, and native answers."""

from translate.prompting.choose import choose_prompt
from translate.prompting.pieces import pieces_of, sentences_of
from translate.prompting.probe import choose_sentinels
from translate.prompting.prompter import Prompter
from translate.prompting.shots import load_shots

__all__ = ["Prompter", "choose_prompt", "choose_sentinels", "load_shots", "pieces_of", "sentences_of"]
