//! Text, read and written: the words of a line, what is wrong with one, numbers and columns.

mod columns;
mod count;
mod named;
mod problem;
mod words;

pub use columns::columns;
pub use count::{counted, counted_as, grouped};
pub(crate) use named::named_enum;
pub use problem::Problem;
pub use words::{Words, Written, duration, in_digits, named, number};
