//! Each scenario, under many interleavings.
//!
//! More of them, by any seed; and one again, by the schedule that its failure printed:
//!
//! ```sh
//! PALIMPSEST_RUNS=100000 PALIMPSEST_SEED=7 cargo test -p palimpsest-races job_lock
//! PALIMPSEST_SCHEDULE=9101… cargo test -p palimpsest-races a_waiter_that_leaves
//! ```
//!
//! `engine/bugs` has races that were planted in the engine, and `.ci/planted` shows that each is
//! found.

use palimpsest_races::explore::explore;
use palimpsest_races::scenario;

/// Makes a test of each scenario: the room it is in, its name, and the number of interleavings.
macro_rules! explore {
    ($($room:ident { $($name:ident $count:literal)* })*) => {
        $(mod $room {
            $(#[test]
            fn $name() {
                super::explore($count, super::scenario::$room::$name);
            })*
        })*
    };
}

explore! {
    catalog {
        two_branches_that_are_opened_at_once_stand_on_one_instance 300
        an_open_beside_a_shutdown_returns_what_can_be_read 300
        a_timeline_is_made_once_or_deleted_once 300
    }
    job_lock {
        one_job_at_a_time_holds_the_lock_and_the_last_release_wakes_the_last_waiter 1000
        a_waiter_that_leaves_passes_its_wake_up_on 1000
    }
    file_names {
        a_name_has_one_owner_and_its_last_release_wakes_the_last_waiter 1000
        a_shutdown_waits_for_the_last_removal_and_no_longer 1000
        no_two_files_have_one_number 1000
    }
    growth {
        a_call_makes_no_more_steps_among_more_timelines 3
    }
    pool {
        each_spawned_task_runs 1000
        two_tasks_have_two_threads 1000
        a_task_that_is_woken_while_it_runs_is_polled_again 1000
        a_pool_that_is_dropped_runs_what_is_queued_and_its_threads_stop 1000
        a_future_is_polled_again_after_a_wake_up_at_any_moment 1000
    }
    timer {
        each_of_two_sleepers_is_woken_at_its_own_deadline 1000
        a_sleeper_that_leaves_wakes_no_other_and_keeps_none 1000
    }
    waits {
        a_collection_waits_for_no_scan 500
        a_writer_that_is_held_back_goes_on_after_the_last_compaction 500
        maintenance_frees_a_writer_that_is_held_back_at_once 200
        a_parent_shuts_down_or_its_branch_opens 500
        a_shutdown_waits_for_the_jobs_that_run 200
    }
    reads {
        a_read_beside_a_collection_is_right_or_refused 500
        a_read_sees_what_was_acknowledged 500
        two_first_readers_of_a_layer_both_find_their_value 500
        jobs_that_publish_side_by_side_lose_no_layer 500
        no_two_jobs_write_one_file 500
        no_two_scratch_files_have_one_number 500
        a_timeline_has_one_writer 500
    }
}
