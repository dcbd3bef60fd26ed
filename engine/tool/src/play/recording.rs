//! Lines of JSON: scripts, each with what a peer answered.

use serde_json::Value;

use super::answer::{Answer, Question};
use super::script::{self, Command, Step};
use crate::exit::CommandError;

/// A script and the answers to its questions.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its line, from 1.
    pub line: usize,
    pub seed: u64,
    pub steps: Vec<Step>,
    pub answers: Vec<Answer>,
}

/// Reads all lines; blank ones are skipped.
pub fn parse(text: &str) -> Result<Vec<Recording>, CommandError> {
    let lines = (1..).zip(text.lines());
    let lines = lines.filter(|(_, text)| !text.trim().is_empty());
    let recordings = lines.map(|(line, text)| {
        let recording = parse_line(line, text);
        recording.map_err(|error| error.at(format!("line {line}")))
    });
    recordings.collect()
}

fn parse_line(line: usize, text: &str) -> Result<Recording, CommandError> {
    let json: Value = serde_json::from_str(text).map_err(|error| {
        CommandError::input(format!(
            "this is not JSON: {error}: write {{\"seed\", \"script\", \"answers\"}} on one line"
        ))
    })?;
    let seed = json.get("seed").and_then(Value::as_u64);
    let seed = seed.ok_or_else(|| missing("seed", "a number that names the script"))?;
    let script = lines_of(&json).ok_or_else(|| missing("script", "a list of commands"))?;
    let steps = script::parse(script).map_err(|error| error.at(format!("script {seed}")))?;
    let answers = json.get("answers").and_then(Value::as_array);
    let answers = answers.ok_or_else(|| missing("answers", "a list, one for each question"))?;
    let questions: Vec<(usize, Question)> = steps.iter().filter_map(question).collect();
    if questions.len() != answers.len() {
        let (questions, answers) = (questions.len(), answers.len());
        return Err(CommandError::input(format!(
            "script {seed} asks {questions} questions and has {answers} answers: give it one each"
        )));
    }
    let answers = questions.into_iter().zip(answers);
    let answers = answers.map(|((line, question), json)| {
        let answer = Answer::of_json(question, json);
        answer.map_err(|error| error.at(format!("script {seed}, line {line}")))
    });
    Ok(Recording {
        line,
        seed,
        answers: answers.collect::<Result<_, _>>()?,
        steps,
    })
}

fn missing(field: &str, what: &str) -> CommandError {
    CommandError::input(format!(
        "{field:?} is not there, or not what it should be: write {what}"
    ))
}

fn lines_of(json: &Value) -> Option<Vec<&str>> {
    let lines = json.get("script")?.as_array()?.iter();
    lines.map(Value::as_str).collect()
}

fn question(step: &Step) -> Option<(usize, Question)> {
    let question = match step.command {
        Command::Get(..) => Question::Get,
        Command::Vget(..) => Question::Vget,
        Command::Layers => Question::Layers,
        _ => return None,
    };
    Some((step.line, question))
}
