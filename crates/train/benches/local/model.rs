//! A model with random weights, which reads and writes made-up words.

use ethos_train::{
    Architecture, ChatTemplate, Checkpoint, DeviceSpec, Tokenizer, Transformer, TransformerConfig,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::option;

/// Its sizes, and those of what is asked.
pub(crate) struct Shape {
    pub(crate) vocab: usize,
    pub(crate) width: usize,
    pub(crate) ffn: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    /// Tokens of a prompt.
    pub(crate) prompt: usize,
    /// Tokens of an answer.
    pub(crate) new: usize,
    pub(crate) device: DeviceSpec,
}

impl Shape {
    /// Of the command line.
    pub(crate) fn read(args: &mut Vec<String>, what: &str) -> Shape {
        let mut shape = Shape {
            vocab: 4096,
            width: 256,
            ffn: 688,
            layers: 4,
            heads: 8,
            kv_heads: 2,
            prompt: 64,
            new: 64,
            device: DeviceSpec::Flex,
        };
        if what == "interrogate" {
            (shape.prompt, shape.new) = (6000, 32);
        }
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
        number("--prompt", &mut shape.prompt);
        number("--new", &mut shape.new);
        if let Some(device) = option(args, "--device") {
            shape.device = device.parse().unwrap();
        }
        shape
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        // Two tokens besides the words.
        let words = (0..self.vocab - 2).map(|n| format!("w{n}"));
        let config = TransformerConfig {
            architecture: Architecture::Qwen2,
            hidden_size: self.width,
            intermediate_size: self.ffn,
            num_hidden_layers: self.layers,
            num_attention_heads: self.heads,
            num_key_value_heads: self.kv_heads,
            head_dim: self.width / self.heads,
            max_position_embeddings: self.prompt + 16 * self.new.max(64),
            tie_word_embeddings: true,
            ..TransformerConfig::tiny(self.vocab)
        };
        let template = "{% for m in messages %}{{ m.content }} {% endfor %}";
        Checkpoint {
            model: Transformer::init(config, 0, &self.device.open().unwrap()).unwrap(),
            tokenizer: Tokenizer::word_level(words).unwrap(),
            template: ChatTemplate::new(template).unwrap(),
        }
    }

    /// So many words.
    pub(crate) fn words(&self, count: usize, random: &mut ChaCha8Rng) -> String {
        let word = |_| format!("w{}", random.random_range(0..self.vocab - 2));
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    }
}
