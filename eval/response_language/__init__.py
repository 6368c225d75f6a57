"""Which language answers are in: by langdetect as in the paper, by case-folded langdetect, and line by line with evidence."""

from eval.response_language.document import langdetect_code, language_document
from eval.response_language.identifiers import Identifier, open_identifier, usual_identifier
from eval.response_language.readable import readable
from eval.response_language.verdicts import VERDICTS, LineVerdict, line_verdict

__all__ = [
    "VERDICTS",
    "Identifier",
    "LineVerdict",
    "langdetect_code",
    "language_document",
    "line_verdict",
    "open_identifier",
    "readable",
    "usual_identifier",
]
