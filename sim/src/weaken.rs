//! Takes away each guarantee of a device: does the engine need it?
//!
//! The guarantees are those of `sim/DEVICE.md`. For each one that the engine needs, `sim/weakened`
//! has a plan that fails without it; `tests/weakened.rs` checks that it still does.

use std::fmt;

use crate::faults::{Address, Counted, Device, Fault, Rule, StepKind};
use crate::text::{counted, markdown};
use crate::weakness::{Search, Weakness, anywhere};

/// A wrong device gets one in this many reads or writes wrong.
const WRONG_ONE_IN: u32 = 10;

/// A broken guarantee that at most one in this many seeds meets is hardly met.
const HARDLY_ONE_IN: u64 = 1000;

/// A guarantee that a device may give.
#[derive(Clone, Copy, Debug)]
pub struct Guarantee {
    /// Its name, and that of its plan's file.
    pub id: &'static str,
    /// What the device promises.
    pub text: &'static str,
    /// How a device breaks the promise.
    broken: Broken,
}

/// How a guarantee is broken.
#[derive(Clone, Copy, Debug)]
enum Broken {
    /// All such calls meet with this fault.
    Always(StepKind, Fault),
    /// On this device, one in ten such calls meets with this fault.
    Wrong(Device, StepKind, Fault),
    /// The device promises only what this one promises.
    Device(Device),
}

/// Every guarantee that can be taken away.
pub const GUARANTEES: [Guarantee; 12] = [
    Guarantee {
        id: "file-sync",
        text: "what a file's sync covered is there after a power loss",
        broken: Broken::Always(StepKind::Sync, Fault::Lie),
    },
    Guarantee {
        id: "directory-sync",
        text: "the entries that a directory's sync covered are there after a power loss",
        broken: Broken::Always(StepKind::SyncDir, Fault::Lie),
    },
    Guarantee {
        id: "atomic-replace",
        text: "a rename onto a name that is taken leaves the old file or the new one",
        broken: Broken::Always(StepKind::Replace, Fault::Tear),
    },
    Guarantee {
        id: "atomic-rename",
        text: "a rename to a free name leaves one of the two names",
        broken: Broken::Always(StepKind::Rename, Fault::Tear),
    },
    Guarantee {
        id: "rename-refuses",
        text: "a rename that is not to replace refuses a name that is taken",
        broken: Broken::Always(StepKind::Rename, Fault::Lie),
    },
    Guarantee {
        id: "create-refuses",
        text: "a creation refuses a name that is taken",
        broken: Broken::Always(StepKind::Create, Fault::Lie),
    },
    Guarantee {
        id: "complete-list",
        text: "a list of a directory has all of its entries",
        broken: Broken::Always(StepKind::List, Fault::Lie),
    },
    Guarantee {
        id: "reads-see-writes",
        text: "a read finds what was written before it, synced or not",
        broken: Broken::Always(StepKind::Read, Fault::Lie),
    },
    Guarantee {
        id: "removed-is-readable",
        text: "a file that a reader has open stays readable when its name is removed",
        broken: Broken::Always(StepKind::Remove, Fault::Lie),
    },
    Guarantee {
        id: "order",
        text: "what no sync covered survives in its order: writes, lengths and entries",
        broken: Broken::Device(Device::Posix),
    },
    Guarantee {
        id: "no-rot",
        text: "what was stored is what is read",
        broken: Broken::Wrong(Device::Rots, StepKind::Read, Fault::Rot(50)),
    },
    Guarantee {
        id: "writes-land",
        text: "a write to a layer or an index that is acknowledged is made",
        broken: Broken::Wrong(Device::Rots, StepKind::Write, Fault::Lost),
    },
];

impl Guarantee {
    /// A device without the guarantee.
    pub fn weakness(&self) -> Weakness {
        match self.broken {
            Broken::Always(step, fault) => Weakness::at(all(step), fault),
            Broken::Device(device) => Weakness {
                rules: Vec::new(),
                device: Some(device),
            },
            Broken::Wrong(device, step, fault) => Weakness {
                rules: vec![Rule {
                    address: all(step),
                    fault,
                    times: u32::MAX,
                    one_in: WRONG_ONE_IN,
                }],
                device: Some(device),
            },
        }
    }
}

/// The address of all such calls.
fn all(wanted: StepKind) -> Address {
    match anywhere() {
        Address::Call {
            life,
            scope,
            job,
            part,
            ..
        } => Address::Call {
            life,
            scope,
            job,
            part,
            step: Counted {
                kind: Some(wanted),
                index: None,
            },
        },
        nth @ Address::Nth { .. } => nth,
    }
}

/// The result of taking one guarantee away.
#[derive(Clone, Debug)]
pub struct WeakRow {
    /// The guarantee.
    pub guarantee: Guarantee,
    /// The result of the search for a plan that fails without it.
    pub search: Search,
}

/// The results for all guarantees, as a Markdown table, which a terminal shows as well.
pub struct WeakTable<'a>(pub &'a [WeakRow]);

impl fmt::Display for WeakTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["guarantee", "", "needed", "counterexample", "found by", "s"];
        let rows: Vec<Vec<String>> = self.0.iter().map(WeakRow::cells).collect();
        write!(f, "{}", markdown(&heads, &rows))
    }
}

impl WeakRow {
    fn cells(&self) -> Vec<String> {
        let [needed, counterexample, by] = match &self.search {
            Search::Found(caught) => {
                let (ops, rules) = (caught.plan.ops.len(), caught.plan.faults.len());
                let (ops, rules) = (
                    counted(ops as u64, "operation"),
                    counted(rules as u64, "rule"),
                );
                let found = format!("{}; {ops}, {rules}", caught.verdict.signature());
                ["yes".to_string(), found, caught.by.to_string()]
            }
            Search::NotFound(missed) => {
                // A fault that no run met was not tried: the guarantee may be needed.
                let needed = match missed.met_count {
                    0 => "never met",
                    met if met * HARDLY_ONE_IN <= missed.seed_count => "hardly met",
                    _ => "no",
                };
                [needed.to_string(), format!("none: {missed}"), String::new()]
            }
        };
        let seconds = format!("{:.1}", self.search.elapsed().as_secs_f64());
        let (id, text) = (self.guarantee.id, self.guarantee.text.to_string());
        vec![format!("`{id}`"), text, needed, counterexample, by, seconds]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weakness::NotFound;

    #[test]
    fn a_guarantee_that_seeds_hardly_meet_is_not_called_needless() {
        for (met_count, seed_count, needed) in [
            (0, 5000, "never met"),
            (1, 1000, "hardly met"),
            (1, 999, "no"),
            (5, 5000, "hardly met"),
            (6, 5000, "no"),
        ] {
            let missed = NotFound {
                met_count,
                seed_count,
                ..NotFound::default()
            };
            let row = WeakRow {
                guarantee: GUARANTEES[0],
                search: Search::NotFound(missed),
            };
            let table = WeakTable(&[row]).to_string();
            assert!(table.contains(&format!("| {needed} | none:")), "{table}");
        }
    }
}
