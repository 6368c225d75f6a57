"""The alignment stage: mixes of translated and source conversations, supervised fine-tuning and preference tuning."""
