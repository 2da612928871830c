"""Writes a tiny llama model with random weights as GGUF, to try real llama.cpp servers without a download.

``python benchmarks/tiny_gguf.py tiny.gguf`` (needs ``gguf`` and ``numpy``). Its answers are noise; what it
shows is what a server takes and how it refuses.
"""

from __future__ import annotations

import sys

import gguf
import numpy as np

WIDTH, HEADS, LAYERS, FEED_FORWARD, CONTEXT = 64, 4, 1, 128, 8192
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "


def vocabulary() -> tuple[list[bytes], list[int]]:
    """Three special tokens and one for each byte: any text can be written."""
    special = [b"<unk>", b"<s>", b"</s>"]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    letters = [f"<0x{byte:02X}>".encode() for byte in range(256)]
    words = ["\u2581".encode(), *(bytes([byte]) for byte in range(33, 127))]
    return (
        [*special, *letters, *words],
        [*kinds, *[gguf.TokenType.BYTE] * 256, *[gguf.TokenType.NORMAL] * len(words)],
    )


def main(path: str) -> None:
    """Write the file."""
    dice = np.random.default_rng(0)
    words, kinds = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)

    def random(*shape: int) -> np.ndarray:
        return dice.normal(0, 0.2, shape).astype(np.float32)

    def ones(width: int) -> np.ndarray:
        return np.ones(width, dtype=np.float32)

    writer.add_tensor("token_embd.weight", random(len(words), WIDTH))
    writer.add_tensor("output.weight", random(len(words), WIDTH))
    writer.add_tensor("output_norm.weight", ones(WIDTH))
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{block}.{name}.weight", random(WIDTH, WIDTH))
        writer.add_tensor(f"{block}.ffn_gate.weight", random(FEED_FORWARD, WIDTH))
        writer.add_tensor(f"{block}.ffn_up.weight", random(FEED_FORWARD, WIDTH))
        writer.add_tensor(f"{block}.ffn_down.weight", random(WIDTH, FEED_FORWARD))
        writer.add_tensor(f"{block}.attn_norm.weight", ones(WIDTH))
        writer.add_tensor(f"{block}.ffn_norm.weight", ones(WIDTH))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
