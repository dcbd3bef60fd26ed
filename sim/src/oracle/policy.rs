//! Which options a timeline has for itself, as far as that is known.

use palimpsest::Policy;

use super::Horizon;

/// The policy of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPolicy {
    /// Those that it may have: one, but while a call that sets it is in doubt.
    possible: Vec<Policy>,
}

impl Default for KnownPolicy {
    fn default() -> KnownPolicy {
        KnownPolicy {
            possible: vec![Policy::default()],
        }
    }
}

impl KnownPolicy {
    /// Begins a call that sets it.
    pub fn begin(&mut self, policy: Policy) {
        self.possible.push(policy);
    }

    /// Notes that it was set, or that the timeline was created with it.
    pub fn acknowledge(&mut self, policy: Policy) {
        self.possible = vec![policy];
    }

    /// Notes the policy that a timeline has which was just opened.
    ///
    /// # Errors
    /// The law that is broken, if it can have none such.
    pub fn recover(&mut self, found: Policy) -> Result<(), String> {
        self.see(found)?;
        self.acknowledge(found);
        Ok(())
    }

    /// Compares it with the one that the timeline has now.
    ///
    /// # Errors
    /// The law that is broken, if it can have none such.
    pub fn see(&self, found: Policy) -> Result<(), String> {
        if self.possible.contains(&found) {
            return Ok(());
        }
        let possible = self.possible.iter().map(Policy::to_string);
        let possible: Vec<String> = possible.collect();
        let possible = possible.join(" or ");
        Err(format!(
            "a timeline keeps the policy that it was given: {possible}"
        ))
    }

    /// How far a collection may go by a policy that it may have, where the engine's options let it
    /// go as far as `engine`.
    pub fn widest(&self, engine: &Horizon) -> Horizon {
        let distances = self.possible.iter().map(|it| it.gc_distance);
        let own_age = self.possible.iter().map(|it| it.gc_age);
        let distance = distances.map(|it| it.unwrap_or(engine.distance)).min();
        let age = own_age.map(|it| it.unwrap_or(engine.age)).min();
        Horizon {
            distance: distance.unwrap_or(engine.distance),
            age: age.unwrap_or(engine.age),
            now: engine.now,
        }
    }
}
