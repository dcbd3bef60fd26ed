//! The report of comparisons.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::compare::Tally;
use super::recording::Recording;
use crate::exit::code;
use crate::form::Form;

/// Prints what each script came to, and sums it up.
pub struct Report<'a> {
    out: &'a mut dyn Write,
    form: Form,
    sum: Tally,
    played_count: usize,
}

impl<'a> Report<'a> {
    pub fn new(out: &'a mut dyn Write, form: Form) -> Report<'a> {
        Report {
            out,
            form,
            sum: Tally::default(),
            played_count: 0,
        }
    }

    /// Adds a script that was played.
    pub fn add(&mut self, recording: &Recording, tally: &Tally) -> io::Result<()> {
        self.played_count += 1;
        self.sum.add(tally);
        let Recording { seed, line, .. } = recording;
        if self.form == Form::Json {
            let mut object = counts(tally);
            object["type"] = json!("script");
            object["seed"] = json!(seed);
            object["line"] = json!(line);
            object["findings"] = json!(tally.findings);
            return writeln!(self.out, "{object}");
        }
        let verdict = match tally.wrong_count {
            0 => "agree".to_owned(),
            count => format!("DIFFER, {count} of them"),
        };
        let (gets, vgets) = (tally.get_count, tally.vget_count);
        let lists = lists(tally);
        let out = &mut self.out;
        writeln!(
            out,
            "script {seed}: {gets} gets and {vgets} vgets {verdict}; {lists}"
        )?;
        for finding in &tally.findings {
            writeln!(out, "  {finding}")?;
        }
        Ok(())
    }

    /// Prints the sums, and returns the exit code.
    pub fn finish(self) -> io::Result<u8> {
        let (out, sum) = (self.out, self.sum);
        let played = self.played_count;
        let code = match sum.wrong_count + sum.unexplained_list_count {
            0 => code::ALL_RIGHT,
            _ => code::ANSWER_DIFFERS,
        };
        if self.form == Form::Json {
            let mut object = counts(&sum);
            object["type"] = json!("played");
            object["scripts"] = json!(played);
            writeln!(out, "{object}")?;
            return Ok(code);
        }
        for (rule, share) in &sum.rules {
            let (lists, scripts) = (share.list_count, share.script_count);
            let (name, told) = (rule.name(), rule.told());
            writeln!(out, "{name}: {lists} lists of {scripts} scripts: {told}")?;
        }
        if 0 < sum.below_cutoff_count {
            let count = sum.below_cutoff_count;
            writeln!(out, "not compared: {count} reads below a cutoff")?;
        }
        let (gets, vgets, wrong) = (sum.get_count, sum.vget_count, sum.wrong_count);
        let lists = lists(&sum);
        writeln!(
            out,
            "{played} scripts played; {gets} gets and {vgets} vgets compared, {wrong} differ; \
             {lists}"
        )?;
        Ok(code)
    }
}

fn lists(tally: &Tally) -> String {
    let (equal, explained) = (tally.equal_list_count, tally.explained_list_count);
    let unexplained = tally.unexplained_list_count;
    format!("layer lists: {equal} equal, {explained} explained, {unexplained} unexplained")
}

fn counts(tally: &Tally) -> Value {
    let rules = tally.rules.iter();
    let rules: serde_json::Map<String, Value> = rules
        .map(|(rule, share)| {
            let counts = json!({
                "lists": share.list_count,
                "scripts": share.script_count,
            });
            (rule.name().to_owned(), counts)
        })
        .collect();
    json!({
        "gets": tally.get_count,
        "vgets": tally.vget_count,
        "differ": tally.wrong_count,
        "below_cutoff": tally.below_cutoff_count,
        "lists": {
            "equal": tally.equal_list_count,
            "explained": tally.explained_list_count,
            "unexplained": tally.unexplained_list_count,
        },
        "rules": rules,
    })
}
