//! `palimpsest draw`: the layers of a timeline as a picture.

mod command;
mod labels;
mod subject;

pub use command::draw;
