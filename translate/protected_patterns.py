"""What a translator must not touch, as patterns: code, formulas, tags, placeholders, links, addresses, numbers with units."""

from __future__ import annotations

import re

QUOTES = "\"'“”„‟‘’‚«»‹›「」『』"

_MATHEMATICS = (
    "alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|varphi"
    "|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega|times|cdot|div|pm|mp|leq?|geq?|neq?|approx|equiv"
    "|sim|infty|sum|prod|int|partial|nabla|forall|exists|in|notin|subset|cup|cap|to|rightarrow|Rightarrow|leftarrow|implies"
    "|iff|ldots|cdots|dots|quad|qquad|left|right|begin|end|item|hline|sqrt|frac|log|ln|sin|cos|tan|lim|max|min|circ|degree"
)
_CODE_ELEMENT = "(?:code|kbd|samp|var|tt|pre|script|style|CODE|PRE|SCRIPT|STYLE)"
_BEFORE_MARKER = r"""[^\s"'“”„‘’«»「『(:]"""
_BEHIND_MARKER = r"""[^\s"'“”„‘’«»」』).,;:!?]"""

# Every alternative begins with a plain character: `re` then skips what cannot match by one look-up per character. What
# stands first wins where two begin at one place. Lengths are bounded, and no body may run over another opening of its kind,
# so that no text can stall a run.
SPAN = re.compile(
    "|".join(
        (
            r"`(?<!``)(?P<ticks>`{0,8})(?!`)(?s:.){1,2000}?(?<!`)`(?P=ticks)(?!`)",
            r"\\\((?:[^\\]|\\[^()]){1,2000}?\\\)",
            r"\\\[(?:[^\\]|\\[^\[\]]){1,2000}?\\\]",
            r"\\begin\{[^{}\n]{1,40}\}[^\\]{0,1000}+(?:\\(?!end\{)[^\\]{0,1000}+){0,100}+\\end\{[^{}\n]{1,40}\}",
            r"\\[A-Za-z]{2,30}\*?(?:\[[^\[\]\n]{0,100}\])?(?:\{(?:[^{}\n]|\{[^{}\n]{0,100}\}){0,300}\}){1,4}(?:\[[^\[\]\n]{0,100}\])?",
            rf"\\(?:{_MATHEMATICS})(?![A-Za-z])",
            r"\$\$(?:[^$]|\$(?!\$)){1,2000}?\$\$",
            # one dollar is a formula if it holds a sign of mathematics or next to nothing: `US$5 or A$ 6` is money
            r"\$(?<!\\\$)(?=\S)(?=[^$\n]{1,3}\$|[^$\n]{0,500}[\\^_=+<>{}*/])(?:\\.|[^$\\\n]){1,500}?(?<=\S)\$(?!\d)",
            r"\$\{[^{}\n]{0,200}\}",
            r"\#\{[^{}\n]{1,200}\}",
            r"<<",
            r">>",
            r"<(?:https?|mailto):[^<>\s]{1,2000}>",
            rf"<{_CODE_ELEMENT}\b[^<>]{{0,200}}>[^<]{{0,1000}}</{_CODE_ELEMENT}\s?>",
            r"</?[A-Za-z][^<>\n]{0,1000}>",
            r"<!--(?:[^<]|<(?!!--)){0,2000}?-->",
            r"\{\{[^{}\n]{0,200}\}\}",
            r"\{%[^{}\n]{0,200}%\}",
            r"\{[A-Za-z_][\w.]{0,80}(?:\[[\w\"']{1,40}\])?(?:![rsa])?(?::[^{}\s]{0,20})?\}",
            r"\{\d{0,3}\}",
            r"%(?<!\d%)(?:\(\w{1,80}\))?[-+0#]{0,3}\d{0,4}(?:\.\d{1,3})?[sdifuxXgGcr]\b",
            r"\[[A-Z][A-Z0-9_ ]{1,80}\](?!\()",
            r"\[\^[^\s\[\]]{1,40}\]",
            r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});",
            # a run of signs that opens or closes nothing: a divider the text speaks of, a blank to fill in
            *(
                rf"{sign}(?<!{_BEFORE_MARKER}{sign}){sign}{{2,200}}(?!{_BEHIND_MARKER})"
                for sign in (r"\*", "_", "=", "~", "-")
            ),
        )
    )
)
MAY_HOLD_SPAN = re.compile(r"[`\\$<>{%&]|\[[A-Z^]|\*\*\*|___|===|~~~|---")
"""Finds something in every text in which SPAN does, and much faster nothing in most others."""

DESTINATION = re.compile(r"(?<=\]\()[^()\s]{1,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200}){0,20}(?=[)\s])")
"""Where a Markdown link leads to."""

_IN_URL = r"""[^\s<>()"“”„«»，。、；：！？（）【】「」『』《》⟦⟧]"""
URL = re.compile(rf"(?:\b(?:https?|ftp)://|\bwww\.)(?:{_IN_URL}|\({_IN_URL}{{0,200}}\)){{1,2000}}(?<![.,;:!?\]'*_|`])")
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")

_UNITS = (
    "%|‰|°[CF]?|km/h|m/s²?|mph|[kMG]?Hz|[kMGT]?Wh?|[kMGTP]?i?B|[kM]?bps|[kcm]?m[²³23]?|[kmµ]?g|[mcd]?l|[mcd]?L|[mµn]s"
    "|[kM]?V|mA|[kM]?J|k?cal|[hkM]?Pa|ft|lbs?|oz|px|pt|rpm|fps|€|£|¥"
)
NUMBER = re.compile(
    rf"(?<!\w)(?<!\d[.,:/])[-+−±]?(?:[$€£¥]\s?)?\d{{1,30}}(?:[.,:/]\d{{1,30}}){{0,10}}(?:\s?(?:{_UNITS})(?!\w))?(?!\w)"
)
"""A number with the symbol of its unit or currency; `1st` and `H2O` are words."""
