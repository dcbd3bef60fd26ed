//! Whole layer files and indexes: our writers make the bytes that a peer made of equal input, our
//! readers read that input back, and no damage makes them panic.

mod assemble;
mod damage;
mod dumps;
mod golden;
mod indexes;
mod inputs;
