//! New in words and in meaning, over rounds of texts.

use std::collections::HashSet;

use super::{
    Dedup, Dropped, Embedder, Index, Likeness, Standing,
    embed::{self, similar_vectors, vectors},
};
use crate::error::Result;

/// Lets texts through that are near to none before them: in their words, and then in what they mean.
///
/// Texts are numbered in the order in which they come. A text falls for one that is kept, and only then.
pub(crate) struct Novel<'a> {
    words: Option<Index>,
    /// The number of each text of the index, which may have one twice.
    in_index: Vec<usize>,
    meanings: Option<Meanings<'a>>,
    seen: usize,
}

/// Why a text is not new.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Near {
    /// The number of the kept text that it is near to.
    pub(crate) kept: usize,
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    Words(Likeness),
    /// By this cosine.
    Meaning(f64),
}

impl<'a> Novel<'a> {
    /// By words where there are settings, by meaning where there are an embedder and a cosine.
    pub(crate) fn new(
        words: Option<&Dedup>,
        meaning: Option<(&'a dyn Embedder, f64)>,
    ) -> Result<Self> {
        let meanings = meaning.map(|(embedder, cosine)| Meanings::new(embedder, cosine));
        Ok(Novel {
            words: words.map(Index::new).transpose()?,
            in_index: Vec::new(),
            meanings: meanings.transpose()?,
            seen: 0,
        })
    }

    /// For each text why it falls, if it does.
    pub(crate) async fn sift(&mut self, texts: &[&str]) -> Result<Vec<Option<Near>>> {
        let first = self.seen;
        self.seen += texts.len();
        let mut found = vec![None; texts.len()];
        let mut left: Vec<usize> = (0..texts.len()).collect();
        while !left.is_empty() {
            let near = self.by_words(&left, first, texts)?;
            for (&i, near) in left.iter().zip(near) {
                found[i] = near;
            }
            let Some(meanings) = &mut self.meanings else { break };
            let new: Vec<usize> = left.iter().copied().filter(|&i| found[i].is_none()).collect();
            let given: Vec<(usize, &str)> = new.iter().map(|&i| (first + i, texts[i])).collect();
            let near = meanings.sift(&given).await?;
            let mut gone = HashSet::new();
            for (i, near) in new.into_iter().zip(near) {
                if near.is_some() {
                    (found[i], _) = (near, gone.insert(first + i));
                }
            }
            self.forget(&gone);
            // What fell for one that has fallen itself is looked at again.
            left.retain(|&i| found[i].is_some_and(|near: Near| gone.contains(&near.kept)));
        }
        Ok(found)
    }

    fn by_words(
        &mut self,
        left: &[usize],
        first: usize,
        texts: &[&str],
    ) -> Result<Vec<Option<Near>>> {
        let Some(index) = &mut self.words else { return Ok(vec![None; left.len()]) };
        self.in_index.extend(left.iter().map(|i| first + i));
        let texts: Vec<&str> = left.iter().map(|&i| texts[i]).collect();
        let near = |standing| match standing {
            Standing::Kept => None,
            Standing::Dropped { kept, likeness } => {
                Some(Near { kept: self.in_index[kept], how: How::Words(likeness) })
            }
        };
        Ok(index.add_all(&texts)?.into_iter().map(near).collect())
    }

    fn forget(&mut self, gone: &HashSet<usize>) {
        let Some(index) = self.words.as_mut().filter(|_| !gone.is_empty()) else { return };
        for (number, text) in self.in_index.iter().enumerate() {
            if gone.contains(text) {
                index.forget(number);
            }
        }
    }
}

/// The vectors of what is kept.
struct Meanings<'a> {
    embedder: &'a dyn Embedder,
    cosine: f64,
    kept: Vec<Vec<f32>>,
    /// The number of the text of each.
    numbers: Vec<usize>,
}

impl<'a> Meanings<'a> {
    fn new(embedder: &'a dyn Embedder, cosine: f64) -> Result<Self> {
        embed::check(cosine)?;
        Ok(Meanings { embedder, cosine, kept: Vec::new(), numbers: Vec::new() })
    }

    /// For each text, with its number, why it falls, if it does.
    async fn sift(&mut self, texts: &[(usize, &str)]) -> Result<Vec<Option<Near>>> {
        let before = self.kept.len();
        let (numbers, texts): (Vec<usize>, Vec<&str>) = texts.iter().copied().unzip();
        self.kept.extend(vectors(&texts, self.embedder).await?);
        self.numbers.extend(numbers);
        // The earliest stays, and those of rounds before are not near to each other.
        let found = similar_vectors(&self.kept, self.cosine, |_| 0)?;
        let mut near = vec![None; texts.len()];
        for Dropped { text, kept, likeness } in found.dropped {
            if let (Some(i), Likeness::Near(cosine)) = (text.checked_sub(before), likeness) {
                near[i] = Some(Near { kept: self.numbers[kept], how: How::Meaning(cosine) });
            }
        }
        let stays = |place: usize| place.checked_sub(before).is_none_or(|i| near[i].is_none());
        let mut places = 0..;
        self.kept.retain(|_| places.next().is_some_and(stays));
        let mut places = 0..;
        self.numbers.retain(|_| places.next().is_some_and(stays));
        Ok(near)
    }
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, future::BoxFuture};

    use super::*;
    use crate::dedup::{Embedded, Shingle};

    /// Texts of one first letter mean the same.
    struct Letters;

    impl Embedder for Letters {
        fn embed<'a>(&'a self, texts: &'a [&'a str]) -> BoxFuture<'a, Embedded> {
            let vector = |text: &&str| {
                let first = text.bytes().next().unwrap_or(b'a');
                (b'a'..=b'z').map(|letter| f32::from(u8::from(letter == first))).collect()
            };
            Box::pin(std::future::ready(Ok(texts.iter().map(vector).collect())))
        }
    }

    fn words() -> Dedup {
        Dedup { shingle: Shingle::Words(1), ..Dedup::at(0.5) }
    }

    fn sift(novel: &mut Novel<'_>, texts: &[&str]) -> Vec<Option<(usize, bool)>> {
        let near = block_on(novel.sift(texts)).unwrap().into_iter();
        let told = |near: Near| (near.kept, matches!(near.how, How::Meaning(_)));
        near.map(|near| near.map(told)).collect()
    }

    #[test]
    fn what_is_near_to_a_fallen_one_stays() {
        let mut novel = Novel::new(Some(&words()), Some((&Letters, 0.9))).unwrap();
        let texts = ["apple pie", "almond cake sugar", "bread cake sugar", "apple pie"];
        // The third is near to the second in its words, which means the same as the first.
        let found = sift(&mut novel, &texts);
        assert_eq!(found, [None, Some((0, true)), None, Some((0, false))]);
        let later = ["cream cake sugar", "butter", "date nut"];
        assert_eq!(sift(&mut novel, &later), [Some((2, false)), Some((2, true)), None]);
        assert_eq!(sift(&mut novel, &["date nut", "damson"]), [Some((6, false)), Some((6, true))]);
    }

    #[test]
    fn either_may_be_left_out() {
        let texts = ["apple pie", "apple tart cream", "apple pie"];
        let mut by_words = Novel::new(Some(&words()), None).unwrap();
        assert_eq!(sift(&mut by_words, &texts), [None, None, Some((0, false))]);
        let mut by_meaning = Novel::new(None, Some((&Letters, 0.9))).unwrap();
        assert_eq!(sift(&mut by_meaning, &texts), [None, Some((0, true)), Some((0, true))]);
        assert_eq!(sift(&mut Novel::new(None, None).unwrap(), &texts), [None; 3]);
        assert!(Novel::new(None, Some((&Letters, 1.5))).is_err(), "before anything is paid for");
    }
}
