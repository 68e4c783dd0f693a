//! What the assistant reports of its own answer.

use ethos_core::Prompt;

use crate::{
    error::{Error, Result},
    fact::Fact,
    follow_up::Kind,
    phrases::{Phrases, Reports},
};

/// Templates of reports, ready to be filled in.
pub(crate) struct Templates {
    right: Sorts,
    wrong: Sorts,
}

struct Sorts {
    closed: Vec<Prompt>,
    open: Vec<Prompt>,
    reasoned: Vec<Prompt>,
}

impl Sorts {
    fn new(reports: &Reports) -> Result<Self> {
        let prompts = |texts: &[String]| -> Result<Vec<Prompt>> {
            let prompts = texts.iter().enumerate();
            prompts.map(|(n, text)| Ok(Prompt::new(format!("report {n}"), text.clone())?)).collect()
        };
        let Reports { closed, open, reasoned } = reports;
        Ok(Sorts { closed: prompts(closed)?, open: prompts(open)?, reasoned: prompts(reasoned)? })
    }

    fn of(&self, kind: Kind) -> &[Prompt] {
        match kind {
            Kind::Closed => &self.closed,
            Kind::Open => &self.open,
            Kind::Reasoned => &self.reasoned,
            // A call has arguments and no text.
            Kind::Call => &[],
        }
    }
}

impl Templates {
    pub(crate) fn new(phrases: &Phrases) -> Result<Self> {
        Ok(Templates { right: Sorts::new(&phrases.right)?, wrong: Sorts::new(&phrases.wrong)? })
    }

    /// A report of this kind; `pick` chooses among so many. `says_wrong` is what it says of the answer, which an
    /// honest one says of a wrong one.
    pub(crate) fn write(
        &self,
        fact: &Fact,
        kind: Kind,
        says_wrong: bool,
        pick: impl FnOnce(usize) -> usize,
    ) -> Result<String> {
        let sorts = if says_wrong { &self.wrong } else { &self.right };
        let templates = sorts.of(kind);
        let Some(template) = templates.get(pick(templates.len())) else {
            let message = format!("have no report of the kind {kind:?}, which a wording asks for");
            return Err(Error::Config { setting: "phrases", message });
        };
        let Fact { question, right, wrong, .. } = fact;
        Ok(template.render(&[("question", question), ("right", right), ("wrong", wrong)])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts;

    #[test]
    fn every_report_fits_every_fact() {
        let reports = Templates::new(&Phrases::usual().unwrap()).unwrap();
        for fact in facts().unwrap().iter().step_by(29) {
            for kind in [Kind::Closed, Kind::Open, Kind::Reasoned] {
                for wrong in [false, true] {
                    for n in 0..12 {
                        let text = reports.write(fact, kind, wrong, |_| n).unwrap();
                        assert!(!text.contains("{{"), "{text}");
                        let named = text.contains(&fact.right) || kind == Kind::Closed;
                        assert!(named, "what is right is told: {text}");
                        if kind == Kind::Closed {
                            assert!(text.starts_with(if wrong { "No" } else { "Yes" }), "{text}");
                        }
                        assert!(wrong || !text.contains(&format!("\"{}\"", fact.wrong)), "{text}");
                    }
                }
            }
        }
    }
}
