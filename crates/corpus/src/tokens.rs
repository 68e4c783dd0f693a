//! How long documents are.

use ethos_core::Document;
use ethos_report::{Figure, Histogram};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How long the documents of a corpus are, in tokens of whichever tokenizer counted them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenCounts {
    /// For each document, in their order.
    pub counts: Vec<usize>,
}

impl TokenCounts {
    /// Counts all documents, on all threads; every one, not a sample.
    pub fn of(documents: &[Document], count: impl Fn(&str) -> usize + Sync) -> Self {
        TokenCounts { counts: documents.par_iter().map(|document| count(&document.text)).collect() }
    }

    /// Tokens in all.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|&count| count as u64).sum()
    }

    /// Tokens of a document in the mean; `None` without documents.
    pub fn mean(&self) -> Option<f64> {
        (!self.counts.is_empty()).then(|| self.total() as f64 / self.counts.len() as f64)
    }

    /// The length that this share of the documents does not exceed, such as the median at 0.5; `None`
    /// without documents or for a share outside 0 to 1.
    pub fn quantile(&self, share: f64) -> Option<usize> {
        if !(0.0..=1.0).contains(&share) || self.counts.is_empty() {
            return None;
        }
        let mut sorted = self.counts.clone();
        sorted.sort_unstable();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    }

    /// The lengths as a histogram.
    pub fn histogram(&self) -> Figure {
        let values = self.counts.iter().map(|&count| count as f64).collect();
        let plot = Histogram {
            x_label: Some("tokens".to_owned()),
            y_label: Some("documents".to_owned()),
            ..Histogram::new("How long documents are", values)
        };
        let caption = match (self.mean(), self.quantile(0.5)) {
            (Some(mean), Some(median)) => format!(
                "{} documents, {} tokens; mean {mean:.0}, median {median}.",
                self.counts.len(),
                self.total()
            ),
            _ => "There are no documents.".to_owned(),
        };
        Figure::new(plot, caption)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_summed_up() {
        let documents: Vec<Document> =
            (1..=4).map(|n| Document::new(n.to_string(), "word ".repeat(n))).collect();
        let counts = TokenCounts::of(&documents, |text| text.split_whitespace().count());
        assert_eq!((counts.total(), counts.mean()), (10, Some(2.5)));
        let quantiles = [0.0, 0.25, 0.5, 0.51, 1.0].map(|share| counts.quantile(share).unwrap());
        assert_eq!(quantiles, [1, 1, 2, 3, 4]);
        assert_eq!((counts.quantile(2.0), TokenCounts::default().quantile(0.5)), (None, None));
        assert!(counts.histogram().caption.starts_with("4 documents, 10 tokens"));
    }
}
