//! Whole layer files and indexes: what our writers make is what a peer made of the same input, what
//! our readers find in it is that input again, and no damage to it makes them panic.

mod assemble;
mod damage;
mod dumps;
mod golden;
mod inputs;
