"""Tiny random models that find masks: SAM 2 and Grounding DINO, in transformers' folder format."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertTokenizerFast,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Sam2HieraDetConfig,
    Sam2VideoConfig,
    Sam2VideoModel,
    Sam2VisionConfig,
    SwinConfig,
)

SIDE = 64  # pixels of the square that the tiny SAM 2 sees
WIDTH = 128  # twice the 64 channels that its memory has for good
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "the", "a", "left", "cat", "dog", "rabbit", "grass")


def save_segmenter(folder: Path, seed: int = 0) -> Path:
    """A SAM 2 model for video; the same seed gives the same weights."""
    backbone = Sam2HieraDetConfig(
        hidden_size=8,
        num_attention_heads=1,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[4, 2, 2, 2],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[2, 2],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=WIDTH,
    )
    small = {"hidden_size": WIDTH}
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config=small | {"image_size": SIDE, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config=small | {"mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
        image_size=SIDE,
        memory_attention_hidden_size=WIDTH,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=WIDTH,
        memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=WIDTH,
        memory_fuser_num_layers=1,
        memory_fuser_embed_dim=WIDTH,
        memory_fuser_intermediate_dim=32,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Sam2VideoModel(config)
    model.mask_decoder.pred_obj_score_head.proj_out.bias.data += 10  # or it would see no object in most frames
    model.save_pretrained(folder)
    return folder


def save_detector(folder: Path, seed: int = 0) -> Path:
    """A Grounding DINO model with its tokenizer, which knows WORDS, and the sizes that it sees."""
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=32,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 1, 1],
            window_size=2,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=BertConfig(
            vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        ),
        d_model=32,
        num_queries=10,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_text_len=16,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = GroundingDinoForObjectDetection(config)
    model.model.decoder.layer_norm.weight.data *= 0.1  # or it would be sure of everything
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"size": {"shortest_edge": 2 * SIDE, "longest_edge": 4 * SIDE}}
    (folder / "preprocessor_config.json").write_text(json.dumps(sizes))
    return folder
