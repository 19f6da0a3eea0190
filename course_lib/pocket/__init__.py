"""The pocket model: a small synthetic world, and the pretraining of a chat model on it.

The course needs a real language model that trains in seconds on a laptop with no network.
So it brings its own: a Llama-shaped model of about five million parameters, pretrained on a
world that this package invents from a seed. Read the modules in this order:

1. `lexicon`, `values`                words, and the values that facts have
2. `facts`, `rules`, `japanese`       facts with all their wordings, in English and Japanese
3. `passages`                         short texts of such facts, laid out in many ways
4. `skills`                           general skills (arithmetic, opposites, …), headline sentiment
5. `forms`                            one word, JSON, polite, capitals, or a form shown by example
6. `corpus`                           the mixture, as a stream of weighted token rows
7. `tokenizer`                        byte-level BPE: single digits, single kanji, a chat template
8. `muon`, `pretraining`              the optimiser, the model and the loop
9. `score`, `speed`, `card`           what the result can and cannot do, and how fast
"""
