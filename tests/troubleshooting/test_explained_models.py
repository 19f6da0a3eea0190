"""Errors around models: adapters, number formats, tokens, answers, files of weights."""

from __future__ import annotations

import pytest
from learner import Case, Learner

ADAPTERS = [
    Case(
        "target_modules_not_found",
        'get_peft_model(new_model(), LoraConfig(r=4, target_modules=["c_attn"]))',
        "c_attn",
    ),
    Case(
        "target_modules_not_found",
        """
        config = LoraConfig(target_modules="all_linear")
        model = get_peft_model(new_model(), config)
        """,
        "config = LoraConfig",
    ),
    Case(
        "rank_not_positive",
        'get_peft_model(new_model(), LoraConfig(r=0, target_modules=["q_proj"]))',
        "r=0",
    ),
    Case(
        "adapter_in_subfolder",
        """
        get_peft_model(new_model(), LoraConfig(r=4)).save_pretrained(f"{folder}/run/checkpoint-8")
        model = PeftModel.from_pretrained(new_model(), f"{folder}/run")
        """,
        "PeftModel.from_pretrained",
    ),
    Case(
        "adapter_missing",
        """
        import os
        os.mkdir(f"{folder}/adapter")
        model = PeftModel.from_pretrained(new_model(), f"{folder}/adapter")
        """,
    ),
    Case(
        "whole_model_is_no_adapter",
        "model = PeftModel.from_pretrained(new_model(), saved)",
        "PeftModel",
    ),
    Case(
        "adapter_of_another_base",
        """
        base = AutoModelForCausalLM.from_pretrained(saved)
        get_peft_model(base, LoraConfig(r=4)).save_pretrained(f"{folder}/adapter")
        other = new_model(width=128)
        model = PeftModel.from_pretrained(other, f"{folder}/adapter")
        """,
        "PeftModel.from_pretrained",
    ),
    Case(
        "quantised_without_adapter",
        """
        rows = Dataset.from_list([{"text": "hi"}] * 4)
        nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
        model = AutoModelForCausalLM.from_pretrained(saved, quantization_config=nf4)
        args = settings(SFTConfig, folder)
        SFTTrainer(model, args=args, train_dataset=rows, processing_class=new_tokenizer())
        """,
        "SFTTrainer(",
    ),
    Case(
        "quantised_without_adapter",
        """
        nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
        model = AutoModelForCausalLM.from_pretrained(saved, quantization_config=nf4)
        trainer = Trainer(model, settings(TrainingArguments, folder))
        """,
        "Trainer(",
    ),
    Case(
        "quantised_model_cast",
        """
        nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
        model = AutoModelForCausalLM.from_pretrained(saved, quantization_config=nf4)
        model = model.to(torch.float16)
        """,
        "model.to",
    ),
    Case(
        "quantised_model_cast",
        """
        nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
        model = AutoModelForCausalLM.from_pretrained(saved, quantization_config=nf4).half()
        """,
        ".half()",
    ),
]
DEVICES = [
    Case("no_cuda", "model = new_model().cuda()", ".cuda()"),
    Case("no_cuda", 'ids = torch.tensor([5]).to("cuda")', '"cuda"'),
    Case("no_cuda", "model = new_model().to(0)", ".to(0)"),
    Case(
        "no_cuda",
        'model = AutoModelForCausalLM.from_pretrained(saved, device_map={"": 0})',
        "device_map",
    ),
    Case(
        "mixed_dtypes",
        """
        model = new_model().half()
        states = torch.ones(1, 64)
        scores = model.lm_head(states)
        """,
        "model.lm_head",
    ),
    Case(
        "mixed_dtypes",
        """
        a, b = torch.ones(2, 2), torch.ones(2, 2, dtype=torch.bfloat16)
        c = a @ b
        """,
        "a @ b",
    ),
    Case("bfloat16_to_numpy", "torch.ones(2, dtype=torch.bfloat16).numpy()", ".numpy()"),
    Case(
        "flash_attention_missing",
        """
        model = AutoModelForCausalLM.from_pretrained(
            saved, attn_implementation="flash_attention_2"
        )
        """,
        "flash_attention_2",
    ),
]
TOKENS = [
    Case(
        "no_pad_token",
        """
        tokenizer = new_tokenizer()
        tokenizer.pad_token = None
        batch = tokenizer(["hi", "good day"], padding=True)
        """,
        "padding=True",
    ),
    Case(
        "no_pad_token",
        """
        tokenizer = new_tokenizer()
        tokenizer.pad_token = tokenizer.eos_token = None
        batch = tokenizer(["hi", "good day"], padding=True)
        """,
        "padding=True",
    ),
    Case(
        "no_chat_template",
        """
        tokenizer = new_tokenizer()
        tokenizer.chat_template = None
        text = tokenizer.apply_chat_template(TURNS, tokenize=False)
        assert text.startswith("<|im_start|>user\\nhi<|im_end|>\\n"), text
        """,
        "apply_chat_template",
    ),
    Case(
        "system_turn_refused",
        """
        tokenizer = new_tokenizer()
        tokenizer.chat_template = ALTERNATING
        turns = [{"role": "system", "content": "Be short."}, *TURNS]
        assert "Be short." in tokenizer.apply_chat_template(turns, tokenize=False)
        """,
        "apply_chat_template",
    ),
    Case(
        "roles_do_not_alternate",
        """
        tokenizer = new_tokenizer()
        tokenizer.chat_template = ALTERNATING
        turns = [{"role": "user", "content": "first"}, {"role": "user", "content": "second"}]
        assert "first\\n\\nsecond" in tokenizer.apply_chat_template(turns, tokenize=False)
        """,
        "apply_chat_template",
    ),
    Case(
        "uneven_rows",
        """
        tokenizer = new_tokenizer()
        batch = tokenizer(["hi", "good day"], return_tensors="pt")
        """,
        "return_tensors",
    ),
    Case(
        "token_outside_vocabulary",
        """
        model, tokenizer = new_model(), new_tokenizer()
        tokenizer.add_special_tokens({"additional_special_tokens": ["<|tool|>"]})
        scores = model(**tokenizer("hi<|tool|>", return_tensors="pt")).logits
        """,
        "scores = model",
    ),
    Case(
        "ignored_label_decoded",
        """
        tokenizer, labels = new_tokenizer(), [-100, -100, 70]
        text = tokenizer.decode(labels)
        """,
        "decode(labels)",
    ),
]
ANSWERS = [
    Case(
        "prompt_longer_than_max_length",
        "new_model().generate(torch.tensor([[5, 6, 7]]), max_length=2)",
        "max_length=2",
    ),
    Case(
        "temperature_not_positive",
        "new_model().generate(torch.tensor([[5]]), do_sample=True, temperature=0.0, max_length=4)",
        "temperature=0.0",
    ),
    Case(
        "batch_as_tokens",
        """
        model, tokenizer = new_model(), new_tokenizer()
        batch = tokenizer.apply_chat_template(TURNS, return_tensors="pt")
        answer = model.generate(batch, max_new_tokens=2)
        """,
        "generate(batch",
    ),
    Case(
        "unknown_generation_argument",
        "new_model().generate(torch.tensor([[5]]), max_new_token=2)",
        "max_new_token=2",
    ),
    Case(
        "weights_not_finite",
        """
        model, ids = new_model(), torch.tensor([[5, 6, 7]])
        optimizer = torch.optim.SGD(model.parameters(), lr=1e30)
        for step in range(3):
            model(input_ids=ids, labels=ids).loss.backward()
            optimizer.step()
        model.generate(ids, do_sample=True, max_new_tokens=2)
        """,
    ),
]
WEIGHTS = [
    Case(
        "weights_file_broken",
        """
        import shutil
        from pathlib import Path
        shutil.copytree(saved, f"{folder}/model", dirs_exist_ok=True)
        weights = Path(folder, "model", "model.safetensors")
        weights.write_bytes(weights.read_bytes()[:5000])
        model = AutoModelForCausalLM.from_pretrained(f"{folder}/model")
        """,
    ),
    Case(
        "weights_file_broken",
        """
        import shutil
        from pathlib import Path
        shutil.copytree(saved, f"{folder}/model", dirs_exist_ok=True)
        pointer = "version https://git-lfs.github.com/spec/v1\\noid sha256:00\\nsize 3\\n"
        Path(folder, "model", "model.safetensors").write_text(pointer)
        model = AutoModelForCausalLM.from_pretrained(f"{folder}/model")
        """,
    ),
    Case(
        "shared_tensors",
        """
        from safetensors.torch import save_file
        model = new_model()
        model.lm_head.weight = model.model.embed_tokens.weight
        save_file(model.state_dict(), f"{folder}/model.safetensors")
        """,
        "save_file(",
    ),
    Case(
        "unknown_architecture",
        """
        import json, os
        os.makedirs(f"{folder}/model", exist_ok=True)
        json.dump({"model_type": "qwen99"}, open(f"{folder}/model/config.json", "w"))
        model = AutoModelForCausalLM.from_pretrained(f"{folder}/model")
        """,
    ),
    Case(
        "remote_code",
        """
        import json, os
        from pathlib import Path
        os.makedirs(f"{folder}/model", exist_ok=True)
        theirs = {"model_type": "theirs", "auto_map": {"AutoConfig": "theirs.Theirs"}}
        Path(folder, "model", "config.json").write_text(json.dumps(theirs))
        Path(folder, "model", "theirs.py").write_text(
            "from transformers import PretrainedConfig\\n\\n\\n"
            "class Theirs(PretrainedConfig):\\n    model_type = 'theirs'\\n"
        )
        config = AutoConfig.from_pretrained(f"{folder}/model")
        """,
        "AutoConfig",
    ),
]


@pytest.mark.parametrize(
    "case", [*ADAPTERS, *DEVICES, *TOKENS, *ANSWERS, *WEIGHTS], ids=lambda case: case.name
)
def test_it_is_explained_and_the_advice_helps(
    case: Case, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: "n")  # transformers asks before it refuses
    learner.check(case)
