"""The pocket model: a small synthetic world, and the pretraining of a chat model on it.

The course needs a real language model that trains in seconds on a laptop with no network.
So it brings its own: a Llama-shaped model of about five million parameters, pretrained on a
world that this package invents from a seed. Read the modules in this order:

1. `lexicon`      the words of the world
2. `passages`     short texts about invented things, and questions about them
3. `skills`       the general skills (arithmetic, opposites, ...) and headline sentiment
4. `forms`        the same answer in one word, as JSON, politely, in capitals, by example
5. `corpus`       the mixture, as a stream of weighted token rows
6. `tokenizer`    byte-level BPE, single digits, single kanji, a chat template
7. `pretraining`  the model, the Muon optimiser, the loop
8. `score`        what the result can and cannot do
"""
