//! The options that a script sets.

use std::time::Duration;

use palimpsest::Options;

use super::script::Conf;

/// The engine's options, and the peer's that this engine does not have.
#[derive(Clone, Debug)]
pub struct Settings {
    pub options: Options,
    pub checkpoint_distance: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        // The script alone says when jobs run: nothing depends on the clock.
        let options = Options {
            freeze_age_max: Duration::MAX,
            l0_delay: Duration::ZERO,
            gc_age: Duration::ZERO,
            ..Options::default()
        };
        Settings {
            checkpoint_distance: options.freeze_len_max,
            options,
        }
    }
}

impl Settings {
    pub fn choose(&mut self, conf: Conf) {
        let options = &mut self.options;
        match conf {
            Conf::CheckpointDistance(len) => {
                self.checkpoint_distance = len;
                options.freeze_len_max = len;
                options.freeze_distance_max = len;
            }
            Conf::CompactionTargetSize(len) => options.layer_len_target = len,
            Conf::CompactionThreshold(count) => options.l0_count_trigger = count,
            Conf::ImageCreationThreshold(count) => options.image_delta_count_trigger = count,
            Conf::ImageCreationPreemptThreshold(count) => options.image_preempt_l0_count = count,
            Conf::MaxVectoredReadBytes(len) => options.read_len_max = len,
            Conf::WithoutCounterpart => {}
        }
    }
}
