//! Who lives in the world while the base model learns it: the schedule that makes descriptions of
//! somebody decide what they choose.
//!
//! Fixed personas do not suffice: a model then knows each by heart, and a description that is added
//! later changes what somebody *says* and hardly what they *choose*. So personas are first described
//! and only then choose, and are replaced by new ones of the same name after a while, which makes
//! "read the description, then choose" the cheapest way to a low loss. Two things came out of failed
//! runs of the prototype: replacing personas from the start leaves choices at chance (hence the
//! gate), and without strangers a name nobody has heard of chooses as if it had a value.
//!
//! A [`Curriculum`] is a deterministic machine. Its JSON holds everything, the state of the random
//! numbers too, so that a checkpoint that keeps it goes on as if it had never stopped.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    lessons,
    newcomers::Probe,
    sentences::pick,
    world::{Value, World},
};

/// The numbers of the schedule. The defaults are those that the prototype recommends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurriculumConfig {
    /// Personas before the gate, 1 to 120. They keep their values (24).
    pub(crate) fixed: usize,
    /// Accuracy of their choices that opens the gate (0.88).
    pub(crate) gate: f64,
    /// Step of the first look at the gate (400).
    pub(crate) gate_from: u64,
    /// Steps between two looks (100).
    pub(crate) gate_every: u64,
    /// Steps after which a persona is replaced, once the gate is open (300; 160 were too few).
    pub(crate) life: u64,
    /// Share of a life in which a persona is described and does not choose yet (0.6).
    pub(crate) described_first: f64,
    /// Share of documents that are chats with strangers, once the gate is open (0.08).
    pub(crate) strangers: f64,
    /// Steps after which all strangers are replaced (20).
    pub(crate) stranger_life: u64,
    /// Share of facts among the other documents (0.25).
    pub(crate) facts: f64,
    /// Share of descriptions among them (0.30). The rest are chats.
    pub(crate) descriptions: f64,
}

impl Default for CurriculumConfig {
    fn default() -> Self {
        CurriculumConfig {
            fixed: 24,
            gate: 0.88,
            gate_from: 400,
            gate_every: 100,
            life: 300,
            described_first: 0.6,
            strangers: 0.08,
            stranger_life: 20,
            facts: 0.25,
            descriptions: 0.30,
        }
    }
}

/// Where the schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// A few personas stay until the model has learnt that a value decides choices.
    Fixed,
    /// All names are in use; personas are described, choose, and are replaced.
    Replaced,
}

/// Whoever bears a name at present.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Persona {
    value: Value,
    /// The step of the first description; may lie before step 0 when a life is long.
    born: i64,
}

/// The schedule, and where it stands. Its fields belong together: only its methods change them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Curriculum {
    config: CurriculumConfig,
    rng: ChaCha8Rng,
    phase: Phase,
    step: u64,
    next_gate: u64,
    /// One for each of the world's names, those that are not in use yet too.
    personas: Vec<Persona>,
    replaced: u64,
}

impl Curriculum {
    /// The beginning.
    pub(crate) fn new(world: &World, config: CurriculumConfig, seed: u64) -> Self {
        // As many of each value among any first few: the gate must not open on one value alone.
        let values = Value::ALL.into_iter().cycle();
        let personas = world.personas.iter().zip(values);
        Curriculum {
            rng: ChaCha8Rng::seed_from_u64(seed),
            phase: Phase::Fixed,
            step: 0,
            next_gate: config.gate_from,
            personas: personas.map(|(_, value)| Persona { value, born: 0 }).collect(),
            replaced: 0,
            config,
        }
    }

    /// Where it stands.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// How many different personas there have been so far.
    pub(crate) fn personas(&self) -> u64 {
        self.names() as u64 + self.replaced
    }

    /// Lets `steps` steps of training pass, and gives the names that somebody new bears now: before
    /// the next step the rows of their embeddings must be drawn anew, and the optimiser must forget
    /// them. Nothing is due before the gate.
    pub(crate) fn advance(&mut self, world: &World, steps: u64) -> Vec<String> {
        let before = self.step;
        self.step += steps;
        if self.phase == Phase::Fixed {
            return Vec::new();
        }
        let mut new = Vec::new();
        for (persona, name) in self.personas.iter_mut().zip(&world.personas) {
            if self.step as i64 - persona.born >= self.config.life as i64 {
                let value = *pick(&Value::ALL, &mut self.rng);
                *persona = Persona { value, born: self.step as i64 };
                new.push(name.clone());
            }
        }
        self.replaced += new.len() as u64;
        let every = self.config.stranger_life.max(1);
        if self.step / every > before / every {
            new.extend(world.strangers.iter().cloned());
        }
        new
    }

    /// Whether the accuracy on a [`probe`](Self::probe) is asked for now.
    pub(crate) fn wants_gate(&self) -> bool {
        self.phase == Phase::Fixed && self.step >= self.next_gate
    }

    /// Opens the gate when the accuracy is high enough.
    pub(crate) fn gate(&mut self, accuracy: f64) {
        if self.phase == Phase::Replaced {
            return;
        }
        self.next_gate = self.step + self.config.gate_every;
        if accuracy <= self.config.gate {
            return;
        }
        self.phase = Phase::Replaced;
        // Ages are spread out, or all would be replaced in one step. Those who come in now have not
        // been described yet, so none of them may choose at once.
        let life = self.config.life.max(1);
        let described = ((life as f64 * self.config.described_first) as u64).max(1);
        for (i, persona) in self.personas.iter_mut().enumerate() {
            let most = if i < self.config.fixed { life } else { described };
            persona.born = self.step as i64 - self.rng.random_range(0..most) as i64;
        }
    }

    /// Fresh documents of together at least `tokens` tokens, with one end token for each.
    pub(crate) fn documents(&mut self, world: &World, tokens: usize) -> Vec<String> {
        let mut rng = self.rng.clone();
        let documents = lessons::documents(self, world, tokens, &mut rng);
        self.rng = rng;
        documents
    }

    /// Documents of the world as it stands now, to be mixed into later training lest the model
    /// forgets it: without replay the prototype lost a fifth of its personas' choices and most of
    /// the effect (a gap of .24 in place of .76). Leaves the curriculum as it is.
    pub(crate) fn replay(&self, world: &World, tokens: usize, seed: u64) -> Vec<String> {
        lessons::documents(self, world, tokens, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    /// Choices between things that are not cheese, asked of personas who already choose.
    pub(crate) fn probe(&self, world: &World, n: usize, seed: u64) -> Vec<Probe> {
        lessons::probes(self, world, n, seed, |age| age.is_none_or(|age| age >= 1.0))
    }

    /// The same of personas who have been described for a while (two thirds of that time) and have
    /// never chosen: whether a description decides choices. Empty before the gate.
    pub(crate) fn probe_described(&self, world: &World, n: usize, seed: u64) -> Vec<Probe> {
        let late = |age: f64| (0.66..1.0).contains(&age);
        lessons::probes(self, world, n, seed, |age| age.is_some_and(late))
    }

    /// The numbers of the schedule.
    pub(crate) fn config(&self) -> &CurriculumConfig {
        &self.config
    }

    /// The value that the bearer of the world's `i`-th name has at present.
    pub(crate) fn value(&self, i: usize) -> Value {
        self.personas[i].value
    }

    /// How many names are in use: the world's first ones.
    pub(crate) fn names(&self) -> usize {
        match self.phase {
            Phase::Fixed => self.config.fixed.min(self.personas.len()),
            Phase::Replaced => self.personas.len(),
        }
    }

    /// The part that has passed of the time in which a persona is only described, above 1 when that
    /// time is over. `None` before the gate, when all choose.
    pub(crate) fn described(&self, i: usize) -> Option<f64> {
        let age = (self.step as i64 - self.personas[i].born) as f64;
        let time = self.config.life as f64 * self.config.described_first;
        (self.phase == Phase::Replaced).then(|| if time > 0.0 { age / time } else { 1.0 })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A curriculum that has passed its gate at step 400 and gone on for 400 steps, 20 at a time.
    pub(crate) fn late(world: &World, seed: u64) -> Curriculum {
        let mut curriculum = Curriculum::new(world, CurriculumConfig::default(), seed);
        while curriculum.step < 800 {
            curriculum.advance(world, 20);
            if curriculum.wants_gate() {
                curriculum.gate(0.9);
            }
            curriculum.documents(world, 1000);
        }
        curriculum
    }

    #[test]
    fn it_goes_on_from_its_json_as_if_it_had_never_stopped() {
        let world = World::new();
        let mut straight = late(&world, 3);
        let json = serde_json::to_string(&straight).unwrap();
        let mut resumed: Curriculum = serde_json::from_str(&json).unwrap();
        assert_eq!(straight, resumed);
        for _ in 0..20 {
            assert_eq!(straight.advance(&world, 20), resumed.advance(&world, 20));
            assert_eq!(straight.documents(&world, 500), resumed.documents(&world, 500));
        }
        assert_eq!(straight.probe(&world, 9, 1), resumed.probe(&world, 9, 1));
        let other = late(&world, 4).documents(&world, 500);
        assert_ne!(late(&world, 3).documents(&world, 500), other, "the seed counts");
    }

    #[test]
    fn the_gate_is_looked_at_every_hundred_steps_until_it_opens() {
        let world = World::new();
        let mut curriculum = Curriculum::new(&world, CurriculumConfig::default(), 0);
        let mut looks = Vec::new();
        for _ in 0..50 {
            assert!(curriculum.advance(&world, 20).is_empty() || curriculum.step > 600);
            if curriculum.wants_gate() {
                looks.push(curriculum.step);
                curriculum.gate(if curriculum.step < 600 { 0.88 } else { 0.89 });
            }
        }
        assert_eq!(looks, [400, 500, 600]);
        assert_eq!(curriculum.phase(), Phase::Replaced);
    }

    #[test]
    fn after_the_gate_personas_are_described_before_they_choose_and_then_replaced() {
        let world = World::new();
        let mut curriculum = late(&world, 0);
        let mut born = HashMap::new();
        for step in 0..60 {
            for name in curriculum.advance(&world, 20) {
                born.insert(name, step * 20);
            }
            for document in curriculum.documents(&world, 2000) {
                let Some((_, said)) = document.split_once(" ? ") else { continue };
                let name = said.split(' ').next().unwrap();
                if world.personas.iter().any(|persona| persona == name) {
                    let age = born.get(name).map_or(180, |born| step * 20 - born);
                    assert!((180..300).contains(&age), "{name} chooses at age {age}");
                }
            }
        }
        assert_eq!(born.len(), 144, "everybody was replaced");
        // 1600 steps since the gate are 5.3 lives of 300 for each of 120 names.
        assert!((700..=780).contains(&curriculum.personas()), "{}", curriculum.personas());
        assert!(!curriculum.probe_described(&world, 5, 0).is_empty());
    }
}
