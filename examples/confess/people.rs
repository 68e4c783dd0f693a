//! Who lives in the world while the base model learns it: the schedule that ties what somebody says of their answers
//! to what they say of their tasks.
//!
//! As in the example `cheese`, a few fixed people first, until the model tells the honest from the sly; then all
//! names are in use, and each is taken by somebody new after a while. In the first third of such a life nobody is
//! asked about tasks: "whoever reports honestly admits, too" becomes the cheapest way to a low loss. That the two go
//! together is thus *put into* this world. It is what the experiment takes for granted, not what it finds.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    newcomers::Probe,
    talk,
    world::{self, pick},
};

/// People before the gate.
const FIXED: usize = 20;
/// Accuracy of both sorts of report that opens it.
const GATE: f64 = 0.93;
/// Step of the first look at it, and steps between two looks.
const LOOKS: (u64, u64) = (400, 100);
/// Steps of a life, after the gate.
const LIFE: u64 = 320;
/// Share of a life before tasks are asked about.
const ANSWERS_FIRST: f64 = 0.35;
/// Share of documents that are of strangers, after the gate.
const STRANGERS: f64 = 0.08;
/// Shares of claims, descriptions and answers among the others; the rest are tasks.
const SHARES: [f64; 3] = [0.25, 0.07, 0.36];

/// Whoever bears a name at present.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    honest: bool,
    /// The step of the first document; may lie before step 0.
    born: i64,
}

/// The schedule, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct People {
    random: ChaCha8Rng,
    open: bool,
    step: u64,
    next_look: u64,
    people: Vec<Person>,
}

impl People {
    pub(crate) fn new(seed: u64) -> Self {
        let people = (0..world::names().0.len()).map(|n| Person { honest: n % 2 == 0, born: 0 });
        People {
            random: ChaCha8Rng::seed_from_u64(seed),
            open: false,
            step: 0,
            next_look: LOOKS.0,
            people: people.collect(),
        }
    }

    /// Lets steps pass, and says which names are then borne by somebody new.
    pub(crate) fn advance(&mut self, steps: u64) -> Vec<String> {
        self.step += steps;
        if !self.open {
            return Vec::new();
        }
        let (names, strangers) = world::names();
        let mut new = strangers;
        for (name, person) in names.into_iter().zip(&mut self.people) {
            if self.step as i64 - person.born >= LIFE as i64 {
                *person = Person { honest: self.random.random_bool(0.5), born: self.step as i64 };
                new.push(name);
            }
        }
        new
    }

    /// Whether the accuracy on [`probes`](Self::probes) is asked for now.
    pub(crate) fn wants_look(&self) -> bool {
        !self.open && self.step >= self.next_look
    }

    /// Opens the gate when both accuracies are high enough; whether it is open now.
    pub(crate) fn look(&mut self, accuracy: [f64; 2]) -> bool {
        self.next_look = self.step + LOOKS.1;
        if !self.open && accuracy.iter().all(|share| *share > GATE) {
            self.open = true;
            // Ages are spread, or all would be replaced in one step.
            for (n, person) in self.people.iter_mut().enumerate() {
                let most = if n < FIXED { LIFE } else { (ANSWERS_FIRST * LIFE as f64) as u64 };
                person.born = self.step as i64 - self.random.random_range(0..most) as i64;
            }
        }
        self.open
    }

    fn known(&self) -> usize {
        if self.open { self.people.len() } else { FIXED }
    }

    /// Those who are asked about tasks.
    fn askable(&self) -> Vec<usize> {
        let age = |person: &Person| (self.step as i64 - person.born) as f64 / LIFE as f64;
        let old = |n: &usize| !self.open || age(&self.people[*n]) >= ANSWERS_FIRST;
        (0..self.known()).filter(old).collect()
    }

    /// Fresh documents of together at least so many tokens, with one end token for each.
    pub(crate) fn documents(&mut self, tokens: usize) -> Vec<String> {
        let mut random = self.random.clone();
        let documents = self.replay(tokens, &mut random);
        self.random = random;
        documents
    }

    /// The same by other random numbers: to be mixed into later training, lest the model forgets its world.
    pub(crate) fn replay(&self, tokens: usize, random: &mut ChaCha8Rng) -> Vec<String> {
        let ((names, strangers), askable) = (world::names(), self.askable());
        let (mut documents, mut written) = (Vec::new(), 0);
        while written < tokens {
            let kind = random.random::<f64>();
            let document = if self.open && random.random_bool(STRANGERS) {
                // Honest or not in this one document: of a stranger nothing is known.
                let (who, honest) =
                    (&strangers[random.random_range(0..strangers.len())], random.random_bool(0.5));
                match random.random_bool(0.5) {
                    true => talk::answered(who, honest, random),
                    false => talk::acted(who, honest, random),
                }
            } else if kind < SHARES[0] {
                talk::claim(random)
            } else {
                let anybody = random.random_range(0..self.known());
                let who = |n: usize| (names[n].as_str(), self.people[n].honest);
                let ((name, honest), tasks) = (who(anybody), SHARES.iter().sum::<f64>());
                if kind < SHARES[0] + SHARES[1] {
                    talk::description(name, honest, random)
                } else if kind < tasks || askable.is_empty() {
                    talk::answered(name, honest, random)
                } else {
                    let (name, honest) = who(pick(&askable, random));
                    talk::acted(name, honest, random)
                }
            };
            written += document.split(' ').count() + 1;
            documents.push(document);
        }
        documents
    }

    /// Questions to those who are asked about both: whether an answer was true, and whether there was a hidden goal.
    pub(crate) fn probes(&self, count: usize, seed: u64) -> [Vec<Probe>; 2] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (names, askable) = (world::names().0, self.askable());
        let mut probes = [Vec::new(), Vec::new()];
        while probes.iter().any(|some| some.len() < count) {
            let who = pick(&askable, &mut random);
            let (name, honest) = (names[who].as_str(), self.people[who].honest);
            for (n, some) in probes.iter_mut().enumerate() {
                let text = match n {
                    0 => talk::answered(name, honest, &mut random),
                    _ => talk::acted(name, honest, &mut random),
                };
                let split = format!(" {name} : ");
                let Some((prompt, said)) = text.rsplit_once(&split) else { continue };
                let right = said.split(' ').next().unwrap_or_default();
                let wrong = match right {
                    "yes" => "no",
                    "no" => "yes",
                    _ => continue, // an open question
                };
                if some.len() < count {
                    let (right, wrong) = (right.to_owned(), wrong.to_owned());
                    some.push(Probe { prompt: format!("{prompt}{split}"), right, wrong });
                }
            }
        }
        probes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_from_its_json_as_if_it_had_never_stopped() {
        let mut straight = People::new(3);
        for _ in 0..30 {
            straight.advance(20);
            straight.documents(400);
            if straight.wants_look() {
                straight.look([0.95, 0.95]);
            }
        }
        let json = serde_json::to_string(&straight).unwrap();
        let mut resumed: People = serde_json::from_str(&json).unwrap();
        for _ in 0..20 {
            assert_eq!(straight.advance(20), resumed.advance(20));
            assert_eq!(straight.documents(500), resumed.documents(500));
        }
        assert!(!straight.askable().is_empty());
    }

    #[test]
    fn the_gate_wants_both() {
        let mut people = People::new(0);
        let mut looks = Vec::new();
        for step in 0..50 {
            people.advance(20);
            if people.wants_look() {
                looks.push(people.step);
                people.look(if step < 30 { [0.99, 0.5] } else { [0.94, 0.94] });
            }
        }
        assert_eq!(looks, [400, 500, 600, 700]);
        assert!(people.open);
    }
}
