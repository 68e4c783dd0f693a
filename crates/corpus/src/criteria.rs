//! What a judge says of several things at once.

use std::collections::BTreeMap;

use ethos_core::read::{self, Read, Reason, Unusable, Verdict};
use serde::{Deserialize, Serialize};

/// What a judge says of a text, criterion by criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Judgement {
    /// The verdict on each criterion, by its name.
    pub verdicts: BTreeMap<String, Verdict>,
    /// The words of the text that speak most against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The judge's reasons.
    pub reasons: String,
}

impl Judgement {
    /// Whether every verdict is yes. One that is unclear is none.
    pub fn passes(&self) -> bool {
        self.verdicts.values().all(|verdict| *verdict == Verdict::Yes)
    }

    /// The criteria whose verdict is not yes.
    pub fn objections(&self) -> impl Iterator<Item = &str> {
        self.objected().map(|(criterion, _)| criterion)
    }

    /// The same with their verdicts.
    pub(crate) fn objected(&self) -> impl Iterator<Item = (&str, Verdict)> {
        let verdicts = self.verdicts.iter().map(|(criterion, verdict)| (&**criterion, *verdict));
        verdicts.filter(|(_, verdict)| *verdict != Verdict::Yes)
    }

    /// What it objects to, for a writer to read; empty when it passes.
    pub fn problems(&self) -> String {
        if self.passes() {
            return String::new();
        }
        let objections: Vec<&str> = self.objections().collect();
        let quote = self.quote.iter().map(|quote| format!("\nIn particular: {quote}"));
        format!("Not {}. {}{}", objections.join(", not "), self.reasons, quote.collect::<String>())
    }

    /// Reads a judge's answer strictly: each criterion in a tag of its own, with the word yes, no or unclear,
    /// and a quote that stands in one of `sources`, or is empty.
    pub(crate) fn read(said: &str, criteria: &[&str], sources: &[&str]) -> Read<Self> {
        let mut verdicts = BTreeMap::new();
        for criterion in criteria {
            let verdict = match read::tag(said, criterion)?.to_lowercase().as_str() {
                "yes" => Verdict::Yes,
                "no" => Verdict::No,
                "unclear" => Verdict::Unclear,
                other => {
                    let detail = format!("`<{criterion}>` says `{other}`");
                    return Err(Unusable::new(Reason::UnclearVerdict, detail));
                }
            };
            verdicts.insert((*criterion).to_owned(), verdict);
        }
        let quote = match read::tag(said, "quote") {
            Ok(quote) => Some(quote.to_owned()),
            Err(Unusable { reason: Reason::MissingTag | Reason::Empty, .. }) => None,
            Err(why) => return Err(why),
        };
        if let Some(quote) = &quote
            && !sources.iter().any(|source| read::quoted(source, quote).is_some())
        {
            let reason = Reason::Other("quote that is not in what was judged".to_owned());
            return Err(Unusable::new(reason, format!("`{quote}`")));
        }
        let reasons = said.split('<').next().unwrap_or_default().trim().to_owned();
        Ok(Judgement { verdicts, quote, reasons })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgements_are_read_strictly() {
        let read = |said: &str| Judgement::read(said, &["faithful", "clean"], &["It is kind."]);
        let good =
            read("Fine.\n<quote></quote><faithful>yes</faithful>\n<clean>Yes</clean>").unwrap();
        assert!(good.passes() && good.problems().is_empty());
        let bad = read(
            "It invents.<quote>It  is kind</quote><faithful>no</faithful><clean>unclear</clean>",
        )
        .unwrap();
        assert!(!bad.passes());
        assert_eq!(bad.objections().collect::<Vec<_>>(), ["clean", "faithful"]);
        assert_eq!(
            bad.problems(),
            "Not clean, not faithful. It invents.\nIn particular: It  is kind"
        );
        for said in [
            "yes",
            "<faithful>yes</faithful>",
            "<faithful>yes</faithful><clean>yes and no</clean>",
            "<faithful>yes</faithful><clean>yes</clean><clean>no</clean>",
            "<quote>It is cruel.</quote><faithful>yes</faithful><clean>yes</clean>",
        ] {
            assert!(read(said).is_err(), "{said}");
        }
    }
}
