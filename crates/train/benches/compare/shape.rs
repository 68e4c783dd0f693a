//! What is trained.

use ethos_train::{
    Architecture, BatchSize, DeviceSpec, FitConfig, LoraConfig, Precision, Schedule,
    TransformerConfig,
};

use crate::{flag, option};

/// A transformer, its batch, and how it is trained.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) vocab: usize,
    pub(crate) width: usize,
    pub(crate) ffn: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) tied: bool,
    pub(crate) seq: usize,
    pub(crate) batch: usize,
    /// 0 trains all parameters.
    pub(crate) lora_rank: usize,
    pub(crate) bf16: bool,
    pub(crate) recompute: bool,
    pub(crate) steps: usize,
    pub(crate) warmup: usize,
    pub(crate) device: DeviceSpec,
    /// Logits of so many tokens exist at once.
    pub(crate) loss_chunk: usize,
}

impl Shape {
    /// Of the command line.
    pub(crate) fn read(args: &mut Vec<String>) -> Shape {
        let mut shape = Shape::preset(option(args, "--preset").as_deref().unwrap_or("7m"));
        let mut number = |name: &str, field: &mut usize| {
            if let Some(value) = option(args, name) {
                *field = value.parse().unwrap_or_else(|_| panic!("`{name}` is no number: {value}"));
            }
        };
        number("--vocab", &mut shape.vocab);
        number("--width", &mut shape.width);
        number("--ffn", &mut shape.ffn);
        number("--layers", &mut shape.layers);
        number("--heads", &mut shape.heads);
        number("--kv-heads", &mut shape.kv_heads);
        number("--seq", &mut shape.seq);
        number("--batch", &mut shape.batch);
        number("--lora-rank", &mut shape.lora_rank);
        number("--steps", &mut shape.steps);
        number("--warmup", &mut shape.warmup);
        number("--loss-chunk", &mut shape.loss_chunk);
        if let Some(device) = option(args, "--device") {
            shape.device = device.parse().unwrap();
        }
        if let Some(dtype) = option(args, "--dtype") {
            shape.bf16 = dtype == "bf16";
        }
        shape.recompute |= flag(args, "--recompute");
        shape
    }

    fn preset(name: &str) -> Shape {
        let small = Shape {
            vocab: 8192,
            width: 256,
            ffn: 704,
            layers: 4,
            heads: 8,
            kv_heads: 8,
            tied: false,
            seq: 256,
            batch: 4,
            lora_rank: 0,
            bf16: false,
            recompute: false,
            steps: 20,
            warmup: 3,
            device: DeviceSpec::Flex,
            loss_chunk: 512,
        };
        // The GPU's: a first step that measures kernels against each other, and large chunks.
        let large = Shape {
            seq: 4096,
            batch: 1,
            bf16: true,
            recompute: true,
            steps: 10,
            warmup: 5,
            loss_chunk: 2048,
            ..small.clone()
        };
        match name {
            "7m" => small,
            "30m" => Shape { width: 512, ffn: 1408, layers: 7, ..small },
            "lora-100m" => Shape {
                width: 768,
                ffn: 2048,
                layers: 12,
                heads: 12,
                kv_heads: 12,
                lora_rank: 16,
                ..small
            },
            "qwen2.5-0.5b" => Shape {
                vocab: 151_936,
                width: 896,
                ffn: 4864,
                layers: 24,
                heads: 14,
                kv_heads: 2,
                tied: true,
                ..large
            },
            "qwen2.5-7b" => Shape {
                vocab: 152_064,
                width: 3584,
                ffn: 18_944,
                layers: 28,
                heads: 28,
                kv_heads: 4,
                lora_rank: 64,
                ..large
            },
            _ => panic!("there is no preset `{name}`; the top of this bench has them"),
        }
    }

    pub(crate) fn transformer(&self) -> TransformerConfig {
        TransformerConfig {
            // No biases, as in the peer.
            architecture: Architecture::Llama,
            hidden_size: self.width,
            intermediate_size: self.ffn,
            num_hidden_layers: self.layers,
            num_attention_heads: self.heads,
            num_key_value_heads: self.kv_heads,
            head_dim: self.width / self.heads,
            max_position_embeddings: self.seq,
            tie_word_embeddings: self.tied,
            rope_theta: 500_000.0,
            ..TransformerConfig::tiny(self.vocab)
        }
    }

    pub(crate) fn fit(&self) -> FitConfig {
        let rank = self.lora_rank;
        FitConfig {
            lora: (rank > 0).then(|| LoraConfig { rank, alpha: 16.0, ..LoraConfig::paper() }),
            precision: if self.bf16 { Precision::Bf16 } else { Precision::F32 },
            batch: BatchSize::Sequences(self.batch),
            sequence: self.seq,
            tokens_at_once: self.batch * self.seq,
            recompute: self.recompute,
            loss_chunk: self.loss_chunk,
            learning_rate: 1e-4,
            warmup: 0.0,
            schedule: Schedule::Constant,
            beta2: 0.999,
            weight_decay: 0.01,
            ..FitConfig::midtrain()
        }
    }

    pub(crate) fn tokens(&self) -> usize {
        self.batch * self.seq
    }

    /// Operations of training on one token, counted as the peer counts them: two for each weight of a matrix forward
    /// and as many for the gradient of what it reads and, where it is trained, for its own; causal attention.
    pub(crate) fn flops_per_token(&self) -> f64 {
        let Shape { vocab, width, ffn, layers, heads, kv_heads, lora_rank, .. } = *self;
        let size = width / heads;
        let (query, key) = (heads * size, kv_heads * size);
        let linear =
            layers * (2 * width * query + 2 * width * key + 3 * width * ffn) + vocab * width;
        let attention = (6 * layers * query * self.seq) as f64;
        let base = linear as f64;
        attention
            + match lora_rank {
                0 => 6.0 * base,
                rank => {
                    let sides = 2 * (width + query) + 2 * (width + key) + 3 * (width + ffn);
                    4.0 * base + 6.0 * (layers * rank * sides) as f64
                }
            }
    }
}
