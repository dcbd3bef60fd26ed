//! Numbers for reports.

/// A number in groups of three digits: 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun, with an `s` for the plural.
pub fn counted(number: u64, thing: &str) -> String {
    counted_as(number, thing, &format!("{thing}s"))
}

/// A number and its noun, with a plural of its own.
pub fn counted_as(number: u64, thing: &str, things: &str) -> String {
    let word = if number == 1 { thing } else { things };
    format!("{} {word}", grouped(number))
}
