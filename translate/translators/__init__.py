"""Who translates: a translation memory, a language model, DeepL; all answer as translate/answers.py says."""
