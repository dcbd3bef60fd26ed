//! Text, parsed and printed: the words of a line, parse errors, numbers and columns.

mod columns;
mod count;
mod named;
mod problem;
mod waivers;
mod words;

pub use columns::{Align, Columns, columns, markdown};
pub use count::{counted, counted_as, grouped};
pub(crate) use named::named_enum;
pub use problem::Problem;
pub use waivers::{Waiver, read_waivers};
pub use words::{Words, Written, duration, in_digits, named, number};
