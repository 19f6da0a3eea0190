"""Errors of training: provoked by the libraries themselves, explained, and cured as advised."""

from __future__ import annotations

import pytest
from learner import Case, Learner

ARGUMENTS = [
    Case(
        "renamed_argument", "trainer = Trainer(new_model(), tokenizer=new_tokenizer())", "Trainer"
    ),
    Case("renamed_argument", "args = SFTConfig(folder, max_seq_length=64, bf16=False)", "64"),
    Case(
        "renamed_argument",
        """
        args = TrainingArguments(
            folder,
            evaluation_strategy="no",  # nothing yet
        )
        """,
        "evaluation_strategy",
    ),
    Case("renamed_argument", "TrainingArguments(folder, warmup_ratio=0.1)", "0.1"),
    Case("removed_argument", "TrainingArguments(folder, overwrite_output_dir=True)", "True"),
    Case(
        "argument_of_the_config",
        """
        rows = Dataset.from_list([{"text": "hi"}] * 4)
        args = SFTConfig(folder, bf16=False)
        SFTTrainer(
            new_model(), args=args, train_dataset=rows, processing_class=new_tokenizer(),
            max_length=32,
        )
        """,
        "SFTTrainer",
    ),
    Case("misspelt_argument", "SFTConfig(folder, bf16=False, learn_rate=1e-4)", "learn_rate"),
    Case("misspelt_argument", "LoraConfig(r=4, alpha=8)", "alpha"),
    Case(
        "quantisation_argument",
        "model = AutoModelForCausalLM.from_pretrained(saved, load_in_4bit=True)",
        "load_in_4bit",
    ),
    Case("unknown_option", 'TrainingArguments(folder, lr_scheduler_type="cosin")', "cosin"),
]
SETTINGS = [
    Case("bf16_without_gpu", "args = SFTConfig(folder)", "SFTConfig(folder)"),
    Case("bf16_without_gpu", "args = TrainingArguments(folder, bf16=True)", "bf16=True"),
    Case(
        "best_model_strategies",
        'TrainingArguments(folder, load_best_model_at_end=True, eval_strategy="epoch")',
        "load_best",
    ),
    Case(
        "best_model_strategies", "TrainingArguments(folder, load_best_model_at_end=True)", "folder"
    ),
    Case(
        "best_model_steps",
        """
        TrainingArguments(
            folder, load_best_model_at_end=True, eval_strategy="steps", eval_steps=10,
            save_strategy="steps", save_steps=15,
        )
        """,
        "save_steps=15",
    ),
    Case(
        "early_stopping_without_metric",
        """
        rows = Dataset.from_list([{"text": "hi"}] * 4)
        args = SFTConfig(folder, bf16=False, num_train_epochs=1, report_to="none")
        trainer = SFTTrainer(
            new_model(), args, train_dataset=rows, eval_dataset=rows,
            processing_class=new_tokenizer(), callbacks=[EarlyStoppingCallback(1)],
        )
        trainer.train()
        """,
        "SFTConfig",
    ),
    Case(
        "evaluation_without_rows",
        """
        rows = Dataset.from_list([{"text": "hi"}] * 10)
        args = SFTConfig(folder, bf16=False, eval_strategy="epoch")
        trainer = SFTTrainer(
            new_model(), args=args, train_dataset=rows, processing_class=new_tokenizer()
        )
        """,
        "trainer = SFTTrainer",
    ),
    Case(
        "learning_rate_is_text",
        """
        rows = Dataset.from_list([{"text": "hi"}] * 4)
        args = SFTConfig(folder, learning_rate="2e-5", bf16=False, max_steps=1, report_to="none")
        model, tokenizer = new_model(), new_tokenizer()
        trainer = SFTTrainer(model, args, train_dataset=rows, processing_class=tokenizer)
        trainer.train()
        """,
        '"2e-5"',
    ),
    Case(
        "tracker_missing",
        """
        args = TrainingArguments(folder, report_to="comet_ml")
        trainer = Trainer(new_model(), args)
        """,
        "comet_ml",
    ),
    Case(
        "no_checkpoint",
        """
        rows = Dataset.from_list([{"text": "hi"}] * 4)
        args, tokenizer = settings(SFTConfig, folder + "/run"), new_tokenizer()
        trainer = SFTTrainer(new_model(), args, train_dataset=rows, processing_class=tokenizer)
        trainer.train(resume_from_checkpoint=True)
        """,
        "trainer.train",
    ),
    Case(
        "no_checkpoint",
        """
        rows = Dataset.from_list([{"text": "hi"}] * 4)
        args, tokenizer = settings(SFTConfig, folder + "/run"), new_tokenizer()
        trainer = SFTTrainer(new_model(), args, train_dataset=rows, processing_class=tokenizer)
        trainer.train(resume_from_checkpoint=folder + "/checkpoint-9")
        """,
        "trainer.train",
    ),
]
ROWS = [
    Case(
        "no_loss",
        """
        tokenizer = new_tokenizer()
        rows = [tokenizer("hi"), tokenizer("ho")]
        trainer = Trainer(new_model(), settings(TrainingArguments, folder), train_dataset=rows)
        trainer.train()
        """,
        "Trainer(",
    ),
    Case(
        "batch_not_padded",
        """
        tokenizer = new_tokenizer()
        rows = [tokenizer("hi"), tokenizer("good day")]
        trainer = Trainer(new_model(), settings(TrainingArguments, folder), train_dataset=rows)
        trainer.train()
        """,
        "Trainer(",
    ),
    Case(
        "rows_not_tokenized",
        """
        tokenizer = new_tokenizer()
        rows = Dataset.from_list([{"text": "hi"}, {"text": "good day"}])
        trainer = Trainer(new_model(), settings(TrainingArguments, folder), train_dataset=rows)
        trainer.train()
        """,
        "Trainer(",
    ),
    Case(
        "labels_not_padded",
        """
        tokenizer = new_tokenizer()
        rows = [tokenizer("hi"), tokenizer("good day")]
        rows = [{**row, "labels": row["input_ids"]} for row in rows]
        args = settings(TrainingArguments, folder)
        trainer = Trainer(new_model(), args, train_dataset=rows, processing_class=tokenizer)
        trainer.train()
        """,
        "Trainer(",
    ),
    Case(
        "no_training_rows",
        """
        rows = Dataset.from_list([{"text": "hi"}]).filter(lambda row: False)
        args = settings(SFTConfig, folder)
        SFTTrainer(new_model(), args, train_dataset=rows, processing_class=new_tokenizer())
        """,
    ),
    Case(
        "no_training_rows",
        "Trainer(new_model(), settings(TrainingArguments, folder), train_dataset=[]).train()",
    ),
    Case(
        "rows_of_another_kind",
        """
        rows = [{"text": "hi"}]
        args = settings(SFTConfig, folder)
        SFTTrainer(new_model(), args, train_dataset=rows, processing_class=new_tokenizer())
        """,
        "train_dataset=rows",
    ),
    Case(
        "rows_of_another_kind",
        """
        rows = DatasetDict({"train": Dataset.from_list([{"text": "hi"}])})
        args = settings(SFTConfig, folder)
        SFTTrainer(new_model(), args, train_dataset=rows, processing_class=new_tokenizer())
        """,
        "train_dataset=rows",
    ),
    Case(
        "no_generation_markers",
        """
        rows = Dataset.from_list([{"messages": TURNS}] * 4)
        tokenizer, args = new_tokenizer(), settings(SFTConfig, folder, assistant_only_loss=True)
        trainer = SFTTrainer(new_model(), args=args, train_dataset=rows, processing_class=tokenizer)
        trainer.train()
        """,
        "trainer = SFTTrainer",
    ),
    Case(
        "column_of_the_trainer_missing",
        """
        rows = Dataset.from_list([{"number": 1, "body": "hi"}] * 4)
        args = settings(SFTConfig, folder)
        SFTTrainer(new_model(), args, train_dataset=rows, processing_class=new_tokenizer())
        """,
        "SFTTrainer",
    ),
    Case(
        "column_of_the_trainer_missing",
        """
        rows = Dataset.from_list([{"question": "hi", "answer": "good day"}] * 4)
        args = settings(SFTConfig, folder)
        SFTTrainer(new_model(), args, train_dataset=rows, processing_class=new_tokenizer())
        """,
        "SFTTrainer",
    ),
    Case(
        "column_of_the_trainer_missing",
        """
        rows = Dataset.from_list([{"prompt": "hi", "chosen": "good day", "bad": "what"}] * 4)
        model, args = AutoModelForCausalLM.from_pretrained(saved), settings(DPOConfig, folder)
        DPOTrainer(model, args=args, train_dataset=rows, processing_class=new_tokenizer())
        """,
        "DPOTrainer",
    ),
]
GRADIENTS = [
    Case(
        "nothing_trainable",
        """
        rows = Dataset.from_list([{"text": "hi"}] * 4)
        model = new_model().requires_grad_(False)
        args = settings(SFTConfig, folder, gradient_checkpointing=False)
        trainer = SFTTrainer(model, args, train_dataset=rows, processing_class=new_tokenizer())
        trainer.train()
        """,
        "trainer.train",
    ),
    Case(
        "adapter_loaded_frozen",
        """
        get_peft_model(new_model(), LoraConfig(r=4)).save_pretrained(folder + "/adapter")
        ids = torch.tensor([[5, 6, 7]])
        model = PeftModel.from_pretrained(new_model(), folder + "/adapter")
        model(input_ids=ids, labels=ids).loss.backward()
        """,
        "from_pretrained",
    ),
    Case(
        "backward_twice",
        """
        ids = torch.tensor([[5, 6, 7]])
        loss = new_model()(input_ids=ids, labels=ids).loss
        loss.backward()
        loss.backward()
        """,
    ),
]
PREFERENCES = [
    Case(
        "generations_do_not_divide",
        """
        args = settings(GRPOConfig, folder, bf16=False)
        args = GRPOConfig(folder, bf16=False, per_device_train_batch_size=3, num_generations=2)
        """,
        "per_device_train_batch_size=3",
    ),
    Case(
        "reward_is_no_list",
        """
        def short(completions, **kwargs):
            return -1.0

        rows = Dataset.from_list([{"prompt": "hi"}] * 4)
        args = settings(GRPOConfig, folder, max_completion_length=4, num_generations=2)
        model, tokenizer = new_model(), new_tokenizer()
        GRPOTrainer(model, short, args, rows, processing_class=tokenizer).train()
        """,
    ),
    Case(
        "reward_without_kwargs",
        """
        def short(completions):
            return [-1.0 * len(answer) for answer in completions]

        rows = Dataset.from_list([{"prompt": "hi"}] * 4)
        args = settings(GRPOConfig, folder, max_completion_length=4, num_generations=2)
        model, tokenizer = new_model(), new_tokenizer()
        GRPOTrainer(model, short, args, rows, processing_class=tokenizer).train()
        """,
        "def short(completions)",
    ),
    Case(
        "column_of_the_trainer_missing",
        """
        def short(completions, **kwargs):
            return [-1.0 * len(answer) for answer in completions]

        rows = Dataset.from_list([{"question": "hi"}] * 4)
        args = settings(GRPOConfig, folder, max_completion_length=4, num_generations=2)
        model, tokenizer = new_model(), new_tokenizer()
        GRPOTrainer(model, short, args, train_dataset=rows, processing_class=tokenizer).train()
        """,
        "GRPOTrainer",
    ),
    Case(
        "reference_is_the_model",
        """
        rows = Dataset.from_list([{"prompt": "hi", "chosen": "good day", "rejected": "what"}] * 4)
        model, args = AutoModelForCausalLM.from_pretrained(saved), settings(DPOConfig, folder)
        DPOTrainer(model, ref_model=model, args=args, train_dataset=rows,
                   processing_class=new_tokenizer())
        """,
        "ref_model=model",
    ),
]
MEMORY = [
    Case("tensor_out_of_memory", "torch.empty(10**15)"),
]


@pytest.mark.parametrize(
    "case",
    [*ARGUMENTS, *SETTINGS, *ROWS, *GRADIENTS, *PREFERENCES, *MEMORY],
    ids=lambda case: case.name,
)
def test_it_is_explained_and_the_advice_cures_it(case: Case, learner: Learner) -> None:
    learner.check(case)


STEP = """
rows = Dataset.from_list([{{"text": "hi"}}] * 8)
args = SFTConfig(folder, bf16=False, {settings})
trainer = SFTTrainer(
    new_model(), args, train_dataset=rows, processing_class=new_tokenizer(),
    compute_loss_func=lambda *_, **__: torch.empty(10**15),
)
trainer.train()
"""


@pytest.mark.parametrize(
    ("settings", "name", "advised"),
    [
        (
            "per_device_train_batch_size=4",
            "batch_out_of_memory",
            "per_device_train_batch_size=2, gradient_accumulation_steps=2",
        ),
        (
            "per_device_train_batch_size=1, gradient_checkpointing=False",
            "row_out_of_memory",
            "gradient_checkpointing=True",
        ),
        ("per_device_train_batch_size=1", "row_out_of_memory", "max_length=512"),
    ],
)
def test_a_step_that_ran_out_of_memory(
    settings: str, name: str, advised: str, learner: Learner
) -> None:
    error = learner.run(STEP.format(settings=settings))
    assert error is not None
    from course_lib import explain

    explanation = explain(error)
    assert explanation is not None
    assert explanation.name == name
    assert advised in explanation.write
    assert explanation.to_change is not None
    assert explanation.to_change.text.startswith("args = SFTConfig(")
