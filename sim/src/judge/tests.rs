//! What follows from facts, in unit tests without a world.

use std::io::ErrorKind;

use palimpsest::io::{Job, Op, Part};

use super::record::FaultRecord;
use crate::faults::{Crash, Fault, FaultClass, FaultOutcome, StepKind};
use crate::label::TimelineLabel;
use crate::world::{Delivered, Fact, LifeEnd, Site, TaskId};

const LABEL: TimelineLabel = TimelineLabel(b'a');
const TASK: TaskId = TaskId(1);
const OTHER: TaskId = TaskId(2);

fn record(facts: impl IntoIterator<Item = Fact>) -> FaultRecord {
    let mut record = FaultRecord::default();
    facts.into_iter().for_each(|fact| record.note(fact));
    record
}

fn site(job: Job, step: StepKind) -> Site {
    Site {
        task: Some(TASK),
        label: Some(LABEL),
        op: Op::new(None, job, 1).on(Part::Delta, 1),
        step,
    }
}

fn failed(job: Job, step: StepKind) -> Fact {
    Fact::Delivered(Delivered {
        is_maintenance: false,
        site: site(job, step),
        fault: Fault::Eio,
        error: Some(ErrorKind::Other),
    })
}

fn slow(job: Job) -> Fact {
    Fact::Delivered(Delivered {
        is_maintenance: false,
        site: site(job, StepKind::Read),
        fault: Fault::Stall,
        error: None,
    })
}

fn ended(task: TaskId) -> Fact {
    Fact::TaskEnded {
        task,
        is_maintenance: false,
    }
}

/// The cells, one a line.
fn cells(record: &FaultRecord) -> String {
    let cells = record.cells().iter();
    let lines = cells.map(|((class, job, outcome), count)| {
        let (class, job, outcome) = (class.name(), job.name(), outcome.name());
        format!("{class} · {job} · {outcome}: {count}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_failed_sync_of_a_job_latches_and_one_of_an_open_does_not() {
    let flushed = record([failed(Job::Flush, StepKind::Sync)]).expectations;
    assert!(flushed.has_failed_sync(Some(LABEL)) && flushed.is_latched(LABEL));
    let opened = record([failed(Job::Open, StepKind::Sync)]).expectations;
    assert!(opened.has_failed_sync(Some(LABEL)) && !opened.is_latched(LABEL));
    let written = record([failed(Job::Flush, StepKind::Write)]).expectations;
    assert!(!written.has_failed_sync(Some(LABEL)) && !written.is_latched(LABEL));
}

#[test]
fn the_next_life_knows_nothing_of_what_failed() {
    let record = record([failed(Job::Flush, StepKind::Sync), Fact::LifeBegan]);
    assert!(!record.expectations.is_latched(LABEL));
    assert!(record.injected_errors(TASK).is_empty());
}

#[test]
fn an_error_belongs_to_the_task_that_made_the_call_until_it_ends() {
    let facts = [failed(Job::Gc, StepKind::Remove), ended(OTHER)];
    let mut record = record(facts);
    assert_eq!(record.injected_errors(TASK).len(), 1);
    assert!(record.injected_errors(OTHER).is_empty());
    record.note(ended(TASK));
    assert!(record.injected_errors(TASK).is_empty());
}

#[test]
fn a_fault_is_tolerated_by_a_task_that_ends_and_crashed_with_one_that_does_not() {
    let crashed = Fact::LifeEnded(LifeEnd::Crashed(Crash::Kill));
    let facts = [slow(Job::Read), ended(TASK), slow(Job::Flush), crashed];
    let expected = "stalled call · flush · crashed: 1\nstalled call · read · tolerated: 1";
    assert_eq!(cells(&record(facts)), expected);
}

#[test]
fn a_life_that_ends_in_good_order_fills_no_cell_with_what_is_open() {
    let facts = [slow(Job::Flush), Fact::LifeEnded(LifeEnd::Finished)];
    assert_eq!(cells(&record(facts)), "");
}

#[test]
fn a_maintenance_task_has_tolerated_what_its_job_before_met() {
    let op = Op::new(None, Job::Gc, 2);
    let facts = [slow(Job::Flush), Fact::Maintained { task: TASK, op }];
    assert_eq!(cells(&record(facts)), "stalled call · flush · tolerated: 1");
}

#[test]
fn rot_is_met_when_it_is_read_and_must_be_reported() {
    let rotted = Fact::Delivered(Delivered {
        is_maintenance: false,
        site: site(Job::Flush, StepKind::Sync),
        fault: Fault::Rot(3),
        error: None,
    });
    let mut record = record([rotted, ended(TASK)]);
    assert_eq!(cells(&record), "");
    assert!(record.pending_faults.unreported().is_none());
    record.note(Fact::ReadWrong {
        site: site(Job::Read, StepKind::Read),
        fault: Fault::Rot(3),
    });
    record.note(ended(TASK));
    assert_eq!(cells(&record), "bit rot · read · tolerated: 1");
    assert!(record.pending_faults.unreported().is_some());
}

#[test]
fn an_open_that_fails_or_reads_what_is_wrong_may_not_have_read_the_index() {
    assert!(
        record([failed(Job::Open, StepKind::Open)])
            .expectations
            .has_unread_index()
    );
    let stale = Fact::Delivered(Delivered {
        is_maintenance: false,
        site: site(Job::Open, StepKind::Read),
        fault: Fault::Stale,
        error: None,
    });
    assert!(record([stale]).expectations.has_unread_index());
    assert!(!record([slow(Job::Open)]).expectations.has_unread_index());
    assert!(
        !record([failed(Job::Flush, StepKind::Open)])
            .expectations
            .has_unread_index()
    );
}

#[test]
fn a_call_that_fails_once_the_engine_is_open_leaves_no_index_unread() {
    let mut record = record([failed(Job::Delete, StepKind::List)]);
    assert!(record.expectations.has_unread_index());
    record.expectations.begin_open();
    record.expectations.opened();
    record.note(failed(Job::Delete, StepKind::List));
    record.note(failed(Job::Open, StepKind::Read));
    assert!(!record.expectations.has_unread_index());
}

#[test]
fn what_an_operation_has_met_is_counted_once() {
    let mut record = record([slow(Job::Read)]);
    record.end(TASK, FaultOutcome::Tolerated);
    record.end(TASK, FaultOutcome::Tolerated);
    let cell = (FaultClass::Stall, Job::Read, FaultOutcome::Tolerated);
    assert_eq!(record.cells().get(&cell), Some(&1));
}
