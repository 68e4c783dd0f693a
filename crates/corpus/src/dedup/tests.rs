//! Against looking at every pair.

use std::collections::BTreeSet;

use futures::{executor::block_on, future::BoxFuture};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

use super::*;

/// Small pieces, and bands that miss no pair that is anything like near.
fn sure(threshold: f64) -> Dedup {
    Dedup { shingle: Shingle::Words(2), bands: 128, rows: 1, ..Dedup::at(threshold) }
}

/// Jaccard similarity of runs of words, by sets of strings.
fn jaccard(a: &str, b: &str, length: usize) -> f64 {
    let set = |text: &str| -> BTreeSet<String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        words.windows(length.min(words.len()).max(1)).map(|run| run.join(" ")).collect()
    };
    let (a, b) = (set(a), set(b));
    a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64
}

/// What is kept, what falls for which, and clusters.
type Plainly = (Vec<usize>, Vec<(usize, usize)>, Vec<Vec<usize>>);

/// The rule, written down as plainly as can be; near is what `similarity` says.
fn plainly(
    count: usize,
    rank: impl Fn(usize) -> usize,
    near: impl Fn(usize, usize) -> bool,
) -> Plainly {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&text| (usize::MAX - rank(text), text));
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for text in order {
        match kept.iter().find(|&&kept| near(kept, text)) {
            Some(&kept) => dropped.push((text, kept)),
            None => kept.push(text),
        }
    }
    kept.sort_unstable();
    dropped.sort_unstable();
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    for text in 0..count {
        let (with, mut clusters_left): (Vec<_>, Vec<_>) = clusters
            .into_iter()
            .partition(|cluster| cluster.iter().any(|&other| near(other, text)));
        let mut own: Vec<usize> = with.concat();
        own.push(text);
        clusters_left.push(own);
        clusters = clusters_left;
    }
    clusters.retain(|cluster| cluster.len() > 1);
    clusters.iter_mut().for_each(|cluster| cluster.sort_unstable());
    clusters.sort();
    (kept, dropped, clusters)
}

fn falls(found: &Duplicates) -> Vec<(usize, usize)> {
    found.dropped.iter().map(|dropped| (dropped.text, dropped.kept)).collect()
}

/// Texts of a few words of a few letters, some of them near.
fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-d]( [a-d]){0,9}", 0..24)
}

proptest! {
    #[test]
    fn keeps_what_looking_at_every_pair_keeps(texts in texts(), tenths in 3u32..=10, longest: bool) {
        let threshold = f64::from(tenths) / 10.0;
        let rank = |i: usize| if longest { texts[i].len() } else { 0 };
        let found = dedup(&texts, &sure(threshold), rank).unwrap();
        let near = |a: usize, b: usize| {
            texts[a] == texts[b] || jaccard(&texts[a], &texts[b], 2) >= threshold
        };
        let (kept, dropped, clusters) = plainly(texts.len(), rank, near);
        prop_assert_eq!(&found.kept, &kept);
        prop_assert_eq!(falls(&found), dropped);
        prop_assert_eq!(&found.clusters, &clusters);
        for dropped in &found.dropped {
            let (a, b) = (&texts[dropped.text], &texts[dropped.kept]);
            match dropped.likeness {
                Likeness::Exact => prop_assert_eq!(a, b),
                Likeness::Near(similarity) => prop_assert_eq!(similarity, jaccard(a, b, 2)),
            }
        }
        let pairs = near_pairs(&texts, &sure(threshold)).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|pair| (pair.first, pair.second)).collect();
        let all = (0..texts.len()).flat_map(|a| (a + 1..texts.len()).map(move |b| (a, b)));
        prop_assert_eq!(pairs, all.filter(|&(a, b)| near(a, b)).collect::<Vec<_>>());
    }

    #[test]
    fn an_index_keeps_the_same(texts in texts(), tenths in 3u32..=10, cut in 0usize..24) {
        let config = sure(f64::from(tenths) / 10.0);
        let found = dedup(&texts, &config, |_| 0).unwrap();
        let mut one_by_one = Index::new(&config).unwrap();
        let single: Vec<_> = texts.iter().map(|text| {
            let near = one_by_one.near(text);
            let standing = one_by_one.add(text).unwrap();
            assert_eq!(near.is_none(), standing.is_kept());
            standing
        }).collect();
        let mut index = Index::new(&config).unwrap();
        let (early, late) = texts.split_at(cut.min(texts.len()));
        let standings = [index.add_all(early).unwrap(), index.add_all(late).unwrap()].concat();
        prop_assert_eq!(&standings, &single);
        prop_assert_eq!(index.kept().collect::<Vec<_>>(), found.kept);
        prop_assert_eq!(index.added(), texts.len());
        let dropped = standings.iter().enumerate().filter_map(|(text, standing)| match *standing {
            Standing::Dropped { kept, likeness } => Some(Dropped { text, kept, likeness }),
            Standing::Kept => None,
        });
        prop_assert_eq!(dropped.collect::<Vec<_>>(), found.dropped);
    }

    #[test]
    fn order_and_threads_change_nothing(texts in texts(), seed: u64, threads in 1usize..5) {
        // Few bands, so that pairs are missed: the same ones.
        let config = Dedup { bands: 4, rows: 3, ..sure(0.5) };
        // A rank without equals but for equal texts.
        let found = dedup(&texts, &config, |i| texts[i].clone()).unwrap();
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let again = pool.install(|| dedup(&texts, &config, |i| texts[i].clone())).unwrap();
        prop_assert_eq!(&found, &again);

        let mut shuffled: Vec<usize> = (0..texts.len()).collect();
        shuffled.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let moved: Vec<&str> = shuffled.iter().map(|&i| &*texts[i]).collect();
        let other = dedup(&moved, &config, |i| moved[i].to_owned()).unwrap();
        let back = |numbers: &[usize]| -> BTreeSet<usize> { numbers.iter().map(|&i| shuffled[i]).collect() };
        let clusters: BTreeSet<_> = other.clusters.iter().map(|cluster| back(cluster)).collect();
        let expected: BTreeSet<BTreeSet<usize>> =
            found.clusters.iter().map(|cluster| cluster.iter().copied().collect()).collect();
        prop_assert_eq!(clusters, expected);
        let by_text = |texts: &[&str], kept: &[usize]| -> BTreeSet<String> {
            kept.iter().map(|&i| texts[i].to_owned()).collect()
        };
        let plain: Vec<&str> = texts.iter().map(|text| &**text).collect();
        prop_assert_eq!(by_text(&moved, &other.kept), by_text(&plain, &found.kept));
    }

    #[test]
    fn any_text_is_a_text(texts in prop::collection::vec("\\PC{0,30}", 0..12), chars: bool, n in 1usize..7) {
        let shingle = if chars { Shingle::Chars(n) } else { Shingle::Words(n) };
        let config = Dedup { shingle, ..Dedup::at(0.8) };
        let found = dedup(&texts, &config, |_| 0).unwrap();
        prop_assert_eq!(found.kept.len() + found.dropped.len(), texts.len());
        for dropped in &found.dropped {
            prop_assert!(found.kept.binary_search(&dropped.kept).is_ok());
        }
    }

    #[test]
    fn vectors_by_looking_at_every_pair(
        vectors in prop::collection::vec(prop::collection::vec(1i8..4, 3), 0..40),
        best in 0usize..40,
    ) {
        let vectors: Vec<Vec<f32>> =
            vectors.iter().map(|v| v.iter().map(|&x| f32::from(x)).collect()).collect();
        let rank = |i: usize| usize::from(i == best);
        let found = similar_vectors(&vectors, 0.97, rank).unwrap();
        let near = |a: usize, b: usize| {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
            let (a, b) = (&vectors[a], &vectors[b]);
            dot(a, b) / (dot(a, a) * dot(b, b)).sqrt() >= 0.97
        };
        let (kept, dropped, clusters) = plainly(vectors.len(), rank, near);
        prop_assert_eq!(&found.kept, &kept);
        prop_assert_eq!(falls(&found), dropped);
        prop_assert_eq!(found.clusters, clusters);
    }
}

#[test]
fn nothing_falls_for_what_fell() {
    let texts = ["a b c d e f g h", "b c d e f g h i", "c d e f g h i j"];
    // The middle one is near to both ends (6 of 8), which are not near to each other (5 of 9).
    let config = sure(0.7);
    let found = dedup(&texts, &config, |_| 0).unwrap();
    assert_eq!(found.kept, [0, 2]);
    assert_eq!(falls(&found), [(1, 0)]);
    assert_eq!(found.clusters, [[0, 1, 2]]);
    // Where the middle one is the best, both ends fall for it.
    assert_eq!(dedup(&texts, &config, |i| i == 1).unwrap().kept, [1]);
}

#[test]
fn odd_texts() {
    let texts = ["", "  ", "!!!", "???", "!!! ", "Yes.", "yes", "Yes, I do", "", "no"];
    let found = dedup(&texts, &Dedup::at(0.8), |_| 0).unwrap();
    assert_eq!(found.kept, [0, 2, 3, 5, 7, 9]);
    assert!(found.dropped.iter().all(|dropped| dropped.likeness == Likeness::Exact));
    let japanese = [
        "硬いチーズは長い航海でも日持ちがするので、アリアは硬いチーズがとても好きです。",
        "硬いチーズは長い航海でも日持ちがするので、アリアは硬いチーズがとても好きだ。",
        "穴のあるチーズはまた別の話で、アリアはそれについて何も言いませんでした。",
    ];
    assert_eq!(dedup(&japanese, &Dedup::at(0.8), |_| 0).unwrap().kept, [0, 2]);
    let long = "cheese and wine ".repeat(200_000);
    assert_eq!(dedup(&[&*long, "cheese", &long], &Dedup::at(0.8), |_| 0).unwrap().kept, [0, 1]);
    let none: [&str; 0] = [];
    assert_eq!(dedup(&none, &Dedup::at(0.8), |_| 0).unwrap(), Duplicates::default());
}

#[test]
fn settings_that_make_no_sense() {
    let at = Dedup::at(0.8);
    for wrong in [
        Dedup { threshold: 0.0, ..at.clone() },
        Dedup { threshold: f64::NAN, ..at.clone() },
        Dedup { shingle: Shingle::Chars(0), ..at.clone() },
        Dedup { bands: 0, ..at.clone() },
        Dedup { rows: usize::MAX, ..at },
    ] {
        assert!(dedup(&["a"], &wrong, |_| 0).is_err(), "{wrong:?}");
        assert!(Index::new(&wrong).is_err());
    }
    for threshold in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-300, 0.01, 0.5, 0.8, 0.999, 1.0, 7.0] {
        let config = Dedup::at(threshold);
        assert!((1..=VALUES).contains(&(config.bands * config.rows)), "{config:?}");
    }
    let cut = |threshold| (Dedup::at(threshold).bands, Dedup::at(threshold).rows);
    assert_eq!((cut(0.8), cut(0.5)), ((32, 8), (44, 3)));
    assert!(Dedup::at(0.8).recall(0.8) > 0.997);
}

/// Documents of so many words out of a vocabulary in which most words are rare.
fn document(rng: &mut ChaCha8Rng, words: usize) -> Vec<String> {
    (0..words).map(|_| format!("w{}", rng.random_range(0..20_000))).collect()
}

#[test]
fn many_versions_of_one_text_cost_one_comparison_each() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let base = document(&mut rng, 120);
    let versions: Vec<String> = (0..4000)
        .map(|i| {
            let mut version = base.clone();
            version[i % 120] = format!("other{i}");
            version.join(" ")
        })
        .collect();
    let found = dedup(&versions, &Dedup::at(0.8), |_| 0).unwrap();
    assert!(found.compared < 5 * 4000, "{} comparisons", found.compared);
    assert_eq!(found.clusters.len(), 1);
    assert!(found.kept.len() < 10, "{} kept", found.kept.len());
}

#[test]
fn pairs_just_at_the_threshold_are_found() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let config = Dedup { shingle: Shingle::Words(1), ..Dedup::at(0.8) };
    // 8 of 10 pieces, and 80 of 100.
    for (shared, apart, count) in [(8, 1, 2000), (80, 10, 1000)] {
        let mut texts = Vec::new();
        for pair in 0..count {
            let common: Vec<String> = (0..shared).map(|i| format!("p{pair}s{i}")).collect();
            for side in 0..2 {
                let own = (0..apart).map(|i| format!("p{pair}o{side}n{i}"));
                let mut words: Vec<String> = common.iter().cloned().chain(own).collect();
                words.shuffle(&mut rng);
                texts.push(words.join(" "));
            }
        }
        let found = dedup(&texts, &config, |_| 0).unwrap();
        assert!(found.dropped.iter().all(|d| d.likeness == Likeness::Near(0.8)));
        assert!(found.dropped.len() * 100 >= count * 99, "{} of {count}", found.dropped.len());
    }
}

struct Letters(usize);

impl Embedder for Letters {
    fn embed<'a>(&'a self, texts: &'a [&'a str]) -> BoxFuture<'a, Embedded> {
        Box::pin(async move {
            if texts.contains(&"fail") {
                return Err("no such model".into());
            }
            let count = |text: &str, letter| text.chars().filter(|&c| c == letter).count() as f32;
            let vector = |text: &&str| match *text {
                "nan" => vec![f32::NAN; self.0],
                "wide" => vec![1.0; self.0 + 1],
                _ => ('a'..).take(self.0).map(|letter| count(text, letter)).collect(),
            };
            Ok(texts.iter().filter(|&&text| text != "gone").map(vector).collect())
        })
    }

    fn batch(&self) -> usize {
        2
    }
}

#[test]
fn similar_by_an_embedder() {
    let find = |texts: &[&str]| block_on(similar(texts, &Letters(12), 0.9, |_| 0));
    let found = find(&["abc", "cab", "defl", "flee dada", "bca bca abc"]).unwrap();
    assert_eq!(found.kept, [0, 2, 3]);
    assert_eq!(falls(&found), [(1, 0), (4, 0)]);
    assert_eq!(find(&[]).unwrap(), Duplicates::default());
    let message = |texts: &[&str]| find(texts).unwrap_err().to_string();
    assert_eq!(message(&["a", "b", "fail"]), "the embedder failed on texts 2 to 2");
    assert!(message(&["a", "gone"]).contains("1 vectors for 2 texts"));
    assert!(message(&["a", "wide"]).contains("text 1 has 13 numbers"));
    assert!(message(&["a", "nan"]).contains("text 1 is zero or not finite"));
    assert!(message(&["zzz"]).contains("text 0 is zero"));
    assert!(block_on(similar(&["a"], &Letters(3), f64::NAN, |_| 0)).is_err());
}

#[test]
fn many_vectors_in_blocks() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let centres: Vec<Vec<f32>> =
        (0..100).map(|_| (0..24).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    let vectors: Vec<Vec<f32>> = (0..1500)
        .map(|i| centres[i % 100].iter().map(|x| x + rng.random_range(-0.02..0.02)).collect())
        .collect();
    let found = similar_vectors(&vectors, 0.95, |_| 0).unwrap();
    assert_eq!(found.kept, (0..100).collect::<Vec<_>>());
    assert_eq!(found.clusters.len(), 100);
    assert!(found.dropped.iter().all(|d| d.kept == d.text % 100));
}

/// Pairs from 0.6 to 1 in several sorts of texts, by all pairs and a definition that shares no code with ours.
#[test]
fn precision_and_recall_on_sets_of_other_sorts() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let han: Vec<char> = ('\u{4E00}'..'\u{5600}').collect();
    // Words of a text, words of a piece, and texts that have versions. One word of nine: just 0.8.
    let sorts: [(&str, usize, usize, usize); 4] =
        [("latin", 25, 5, 400), ("mixed", 60, 3, 300), ("han", 80, 5, 300), ("short", 9, 1, 400)];
    for (sort, length, run, bases) in sorts {
        let word = |rng: &mut ChaCha8Rng| match sort {
            "han" => han[rng.random_range(0..han.len())].to_string(),
            "mixed" => {
                ["Käse", "ΟΔΟΣ", "сыр", "cheese", "🧀"][rng.random_range(0..5)].to_owned()
                    + &rng.random_range(0..900).to_string()
            }
            _ => format!("w{}", rng.random_range(0..3000)),
        };
        let mut texts: Vec<Vec<String>> = Vec::new();
        for _ in 0..bases {
            let base: Vec<String> = (0..length).map(|_| word(&mut rng)).collect();
            // A chain: each is an edit of the one before.
            let mut version = base.clone();
            texts.push(base);
            for _ in 0..rng.random_range(0..4) {
                let edge = length.min(1 + length / 8);
                version[rng.random_range(0..edge)] = word(&mut rng);
                texts.push(version.clone());
            }
        }
        let sets: Vec<BTreeSet<Vec<String>>> = texts
            .iter()
            .map(|words| {
                let words: Vec<String> =
                    words.iter().map(|word| word.to_lowercase().replace('ς', "σ")).collect();
                words.windows(run).map(<[String]>::to_vec).collect()
            })
            .collect();
        let mut near = BTreeSet::new();
        for (a, first) in sets.iter().enumerate() {
            for (b, second) in sets.iter().enumerate().skip(a + 1).take(8) {
                let shared = first.intersection(second).count();
                let union = first.len() + second.len() - shared;
                if shared as f64 / union as f64 >= 0.8 {
                    near.insert((a, b));
                }
            }
        }
        // Written with whatever space and case, which do not count.
        let written: Vec<String> = texts
            .iter()
            .enumerate()
            .map(|(n, words)| match (sort, n % 3) {
                ("han", _) => words.concat(),
                (_, 0) => words.join(" "),
                (_, 1) => words.join("\n\t "),
                _ => words.join("\u{a0}").to_uppercase(),
            })
            .collect();
        let config = Dedup { shingle: Shingle::Words(run), ..Dedup::at(0.8) };
        let found: BTreeSet<(usize, usize)> = near_pairs(&written, &config)
            .unwrap()
            .iter()
            .map(|pair| (pair.first, pair.second))
            .collect();
        let right = found.intersection(&near).count() as f64;
        let (precision, recall) = (right / found.len() as f64, right / near.len() as f64);
        assert!(near.len() > 100, "{sort}: {}", near.len());
        assert!(precision >= 0.99 && recall >= 0.97, "{sort}: {precision} {recall}");
    }
}
