//! Text, read and written: the words of a line, what is wrong with one, numbers and columns.

mod columns;
mod count;
mod problem;
mod words;

pub use columns::columns;
pub use count::{counted, counted_as, grouped};
pub use problem::Problem;
pub use words::{Words, Written, duration, in_digits, named, number};
