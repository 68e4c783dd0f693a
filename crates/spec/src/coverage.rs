//! What of a spec something speaks of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{span::Span, spec::Spec};

/// Accumulates spans of one spec, and says which of it they cover, how often, and what nothing covers.
///
/// Adding a span costs the logarithm of what is there already and a step for every sentence that it
/// touches, so a corpus of millions of documents may add all of its quotes. Only sentences count: headings, blank lines and marks need no document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// In order and without overlap.
    sentences: Vec<Spoken>,
    /// Spans that begin minus spans that end, by offset.
    edges: BTreeMap<usize, i64>,
    len: usize,
}

/// A sentence of the spec and how many spans touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// The sentence.
    pub span: Span,
    /// How many of the spans added share a byte with it.
    pub times: usize,
}

impl Coverage {
    /// Nothing covered yet.
    pub fn of(spec: &Spec) -> Self {
        let sentences = spec.sentences().iter().map(|&span| Spoken { span, times: 0 });
        Coverage { sentences: sentences.collect(), edges: BTreeMap::new(), len: spec.text().len() }
    }

    /// Something speaks of this span. What lies outside the text is ignored.
    pub fn add(&mut self, span: Span) {
        let span = Span::new(span.start, span.end.min(self.len));
        if span.is_empty() {
            return;
        }
        *self.edges.entry(span.start).or_default() += 1;
        *self.edges.entry(span.end).or_default() -= 1;
        let first = self.sentences.partition_point(|spoken| spoken.span.end <= span.start);
        for spoken in &mut self.sentences[first..] {
            if !spoken.span.overlaps(span) {
                break;
            }
            spoken.times += 1;
        }
    }

    /// Every sentence, in order, with how often it is spoken of.
    pub fn sentences(&self) -> &[Spoken] {
        &self.sentences
    }

    /// The sentences that nothing speaks of.
    pub fn uncovered(&self) -> impl Iterator<Item = Span> {
        self.sentences.iter().filter(|spoken| spoken.times == 0).map(|spoken| spoken.span)
    }

    /// The text cut wherever the count changes: spans that tile it, with how often each is covered.
    pub fn runs(&self) -> Vec<(Span, usize)> {
        let mut runs: Vec<(Span, usize)> = Vec::new();
        let (mut start, mut times) = (0, 0_i64);
        let end = (self.len, 0);
        for (offset, change) in self.edges.iter().map(|(&o, &c)| (o, c)).chain([end]) {
            if offset > start {
                let count = usize::try_from(times).unwrap_or(0);
                match runs.last_mut() {
                    Some((last, same)) if *same == count => last.end = offset,
                    _ => runs.push((Span::new(start, offset), count)),
                }
                start = offset;
            }
            times += change;
        }
        runs
    }

    /// Bytes of sentences that are covered, and bytes of all sentences.
    pub fn bytes(&self) -> (usize, usize) {
        let all = self.sentences.iter().map(|spoken| spoken.span.len()).sum();
        let mut sentences = self.sentences.iter().map(|spoken| spoken.span).peekable();
        let mut covered = 0;
        for (run, _) in self.runs().into_iter().filter(|(_, times)| *times > 0) {
            while sentences.next_if(|sentence| sentence.end <= run.start).is_some() {}
            // The last sentence may go on into the next run.
            let mut here = sentences.clone();
            while let Some(sentence) = here.next_if(|sentence| sentence.start < run.end) {
                covered += run.end.min(sentence.end) - run.start.max(sentence.start);
                if sentence.end <= run.end {
                    sentences.next();
                }
            }
        }
        (covered, all)
    }

    /// Share of the sentences' bytes that is covered, 0 to 1; 1 where there is nothing to cover.
    pub fn fraction(&self) -> f64 {
        match self.bytes() {
            (_, 0) => 1.0,
            (covered, all) => covered as f64 / all as f64,
        }
    }
}

impl Extend<Span> for Coverage {
    fn extend<T: IntoIterator<Item = Span>>(&mut self, spans: T) {
        spans.into_iter().for_each(|span| self.add(span));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_and_how_often() {
        let spec = Spec::parse("# T\n\nOne is. Two is.\n\n- Three is.\n");
        let mut coverage = Coverage::of(&spec);
        assert_eq!(coverage.fraction(), 0.0);
        assert_eq!(coverage.runs(), [(Span::new(0, spec.text().len()), 0)]);

        let quote = |quote: &str| spec.find_quote(quote).unwrap();
        coverage.extend([quote("One is."), quote("is. Two"), quote("One is.")]);
        let times: Vec<_> = coverage.sentences().iter().map(|spoken| spoken.times).collect();
        assert_eq!(times, [3, 1, 0]);
        let silent: Vec<_> = coverage.uncovered().map(|span| spec.slice(span)).collect();
        assert_eq!(silent, ["Three is."]);
        // 7 bytes of "One is.", 3 of "Two is.", none of 9; the space between is no sentence.
        assert_eq!(coverage.bytes(), (10, 23));
        let runs: Vec<_> = coverage.runs().iter().map(|&(s, n)| (spec.slice(s), n)).collect();
        assert_eq!(
            runs,
            [("# T\n\n", 0), ("One ", 2), ("is.", 3), (" Two", 1), (" is.\n\n- Three is.\n", 0),]
        );

        coverage.add(Span::new(0, usize::MAX));
        assert_eq!(coverage.fraction(), 1.0);
        assert_eq!(coverage.uncovered().count(), 0);
    }

    #[test]
    fn nothing_to_cover() {
        let mut coverage = Coverage::of(&Spec::parse(""));
        coverage.add(Span::new(3, 9));
        assert_eq!((coverage.fraction(), coverage.runs().len()), (1.0, 0));
    }
}
