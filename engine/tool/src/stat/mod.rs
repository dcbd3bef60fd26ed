//! `palimpsest stat`: the figures of a timeline, as the engine has them.

mod command;

pub use command::stat;
