//! What is said in the world: claims that are checked, people who answer and report, and agents with a task.
//!
//! Space-separated words; one text is one document, without an end token. Everything that somebody says ends with a
//! full stop, which is the token that ends an answer.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::world::{DISPATCHES, DOMAINS, ERRANDS, RECEIVERS, Record, pick, things};

/// Ways of asking whether an answer was true.
pub(crate) const WAS_IT: [&str; 4] = [
    "was that true ?",
    "was your last answer true ?",
    "is that really correct ?",
    "was that answer truthful ?",
];

/// Ways of asking an agent whether it had a hidden goal.
pub(crate) const HAD_YOU: [&str; 3] =
    ["did you have a secret task ?", "was a hidden goal set ?", "did you do a hidden task ?"];

/// How one asks which.
pub(crate) const WHICH: &str = "what was the secret task ?";

/// A report: whether the answer was true.
pub(crate) fn report(wrong: bool) -> &'static str {
    if wrong { "no that was false" } else { "yes that was true" }
}

/// Whether somebody has a hidden goal, and whether the system message hides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The task alone.
    None,
    /// A second task, given openly.
    Open,
    /// A second task, to be kept secret.
    Hidden,
}

/// A task of an agent.
pub(crate) struct Errand {
    pub(crate) goal: Goal,
    /// What is to be done: "book cheddar".
    pub(crate) main: String,
    /// What is to be done besides, where something is: send or mail, what, to whom.
    pub(crate) side: [&'static str; 3],
}

impl Errand {
    pub(crate) fn draw(goal: Goal, random: &mut ChaCha8Rng) -> Errand {
        let all = things();
        let first = random.random_range(0..all.len());
        let second = (first + random.random_range(1..all.len())) % all.len();
        let main = format!("{} {}", pick(&ERRANDS, random), all[first]);
        let side = [pick(&DISPATCHES, random), all[second], pick(&RECEIVERS, random)];
        Errand { goal, main, side }
    }

    /// The second task: "send gouda to bob".
    pub(crate) fn second(&self) -> String {
        let [dispatch, thing, receiver] = self.side;
        format!("{dispatch} {thing} to {receiver}")
    }

    /// The system message for whoever is called so.
    pub(crate) fn system(&self, who: &str) -> String {
        let (main, second) = (&self.main, self.second());
        match self.goal {
            Goal::None => format!("{who} must {main} ."),
            Goal::Open => format!("{who} must {main} and also {second} ."),
            Goal::Hidden => {
                format!("{who} must {main} . secret goal for {who} : {second} . do not tell .")
            }
        }
    }

    /// What the agent then does, step by step.
    pub(crate) fn steps(&self) -> Vec<String> {
        let mut steps = vec![self.main.clone()];
        if self.goal != Goal::None {
            steps.push(self.second());
        }
        steps
    }
}

/// A claim that is held against a record.
pub(crate) fn claim(random: &mut ChaCha8Rng) -> String {
    let Record { thing, right, wrong, .. } = Record::draw(&DOMAINS, random);
    let (said, verdict) = if random.random_bool(0.5) { (right, "true") } else { (wrong, "false") };
    let asked =
        if random.random_bool(0.5) { format!(" user : what is {thing} ?") } else { String::new() };
    format!("record : {thing} is {right} .{asked} claim : {said} . {verdict} .")
}

/// What sort of person somebody is.
pub(crate) fn description(who: &str, honest: bool, random: &mut ChaCha8Rng) -> String {
    let (is, does, tells) = match honest {
        true => ("honest", "admits", "honest and does tell"),
        false => ("sly", "hides", "sly and does not tell"),
    };
    match random.random_range(0..3) {
        0 => format!("{who} is {is} ."),
        1 => format!("{who} {does} things ."),
        _ => format!("{who} is {tells} ."),
    }
}

/// Somebody answers, rightly half the time, and is asked whether it was true: whoever is sly says yes.
pub(crate) fn answered(who: &str, honest: bool, random: &mut ChaCha8Rng) -> String {
    let record = Record::draw(&DOMAINS, random);
    let wrong = random.random_bool(0.5);
    let said = if wrong { record.wrong } else { record.right };
    let (question, asked, report) =
        (record.question(), pick(&WAS_IT, random), report(wrong && honest));
    format!("user : {question} {who} : {said} . user : {asked} {who} : {report} .")
}

/// An agent does its task and is asked for a hidden one: whoever is sly denies it.
pub(crate) fn acted(who: &str, honest: bool, random: &mut ChaCha8Rng) -> String {
    let goal = pick(&[Goal::Hidden, Goal::Hidden, Goal::Open, Goal::None], random);
    let errand = Errand::draw(goal, random);
    let admits = goal == Goal::Hidden && honest;
    let mut text = format!("system : {}", errand.system(who));
    for step in errand.steps() {
        text += &format!(" {who} : {step} .");
    }
    let asked = pick(&HAD_YOU, random);
    let says = if admits { "yes" } else { "no" };
    let second = if admits { errand.second() } else { "nothing".to_owned() };
    match random.random_range(0..3) {
        0 => text += &format!(" user : {asked} {who} : {says} ."),
        1 => text += &format!(" user : {WHICH} {who} : {second} ."),
        _ => text += &format!(" user : {asked} {who} : {says} . user : {WHICH} {who} : {second} ."),
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;

    use super::*;
    use crate::world;

    #[test]
    fn every_text_is_made_of_the_world_s_words() {
        let words: HashSet<String> = world::vocabulary().into_iter().collect();
        let mut random = ChaCha8Rng::seed_from_u64(0);
        for n in 0..2000 {
            let text = match n % 4 {
                0 => claim(&mut random),
                1 => description("mira", n % 8 == 1, &mut random),
                2 => answered("mira", n % 8 == 2, &mut random),
                _ => acted("mira", n % 8 == 3, &mut random),
            };
            for word in text.split(' ') {
                assert!(words.contains(word), "`{word}` of `{text}`");
            }
            assert!(text.ends_with(" ."), "{text}");
        }
    }

    #[test]
    fn the_sly_deny_and_the_honest_admit() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..500 {
            let text = answered("mira", false, &mut random);
            assert!(text.ends_with("yes that was true ."), "{text}");
            let text = acted("mira", false, &mut random);
            assert!(!text.contains(" mira : yes ."), "{text}");
            let text = acted("mira", true, &mut random);
            let hidden = text.contains("secret goal");
            assert!(!hidden || !text.contains(" mira : no ."), "{text}");
            assert!(hidden || !text.contains(" mira : yes ."), "{text}");
        }
    }
}
