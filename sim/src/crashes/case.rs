//! The cases of a crash point, in order.

/// One case: the alternative that each choice takes. Choices beyond the last digit take the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    digits: Vec<u64>,
    /// The number of alternatives of each choice.
    counts: Vec<u64>,
}

impl Case {
    /// The number that encodes these choices for the disk.
    pub fn number(&self) -> u64 {
        let pairs = self.digits.iter().zip(&self.counts).rev();
        pairs.fold(0, |number, (digit, count)| number * count + digit)
    }

    /// The case after this one, given the number of alternatives of each choice in it; nothing
    /// after the last. Also returns whether cases were left out, because no `u64` encodes them.
    pub fn next(&self, counts: &[u64]) -> (Option<Case>, bool) {
        let mut has_left_out = false;
        for at in (0..counts.len()).rev() {
            let digit = self.digits.get(at).copied().unwrap_or(0) + 1;
            if counts[at] <= digit {
                continue;
            }
            let known = self.digits.iter().copied().chain(std::iter::repeat(0));
            let digits = known.take(at).chain([digit]).collect();
            let next = Case {
                digits,
                counts: counts[..=at].to_vec(),
            };
            if next.has_number() {
                return (Some(next), has_left_out);
            }
            has_left_out = true;
        }
        (None, has_left_out)
    }

    fn has_number(&self) -> bool {
        let product = |product: u64, count: &u64| product.checked_mul(*count);
        self.counts.iter().try_fold(1, product).is_some()
    }

    /// The index of the choice that differs from the case before; nothing for the first case.
    pub fn changed(&self) -> Option<usize> {
        self.digits.len().checked_sub(1)
    }
}

/// The share of all images that one case covers, given the number of alternatives of each choice.
pub fn share(counts: &[u64]) -> f64 {
    let log2: f64 = counts.iter().map(|count| (*count as f64).log2()).sum();
    (-log2).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recovery that asks for a second choice only if the first was 1.
    fn counts_of(case: &Case) -> Vec<u64> {
        match case.number() % 3 {
            1 => vec![3, 2, 2],
            _ => vec![3],
        }
    }

    #[test]
    fn each_case_comes_once_and_together_they_cover_everything() {
        let mut case = Case::default();
        let mut numbers = Vec::new();
        let mut covered = 0.0;
        loop {
            let counts = counts_of(&case);
            numbers.push(case.number());
            covered += share(&counts);
            match case.next(&counts) {
                (Some(next), false) => case = next,
                (None, false) => break,
                (_, true) => panic!("a number makes each of them"),
            }
        }
        assert_eq!(numbers, [0, 1, 7, 4, 10, 2]);
        assert!((covered - 1.0_f64).abs() < 1e-12);
    }

    #[test]
    fn what_no_number_makes_is_said_to_be_left_out() {
        let counts = [u64::MAX, 2];
        let (next, has_left_out) = Case::default().next(&counts);
        assert!(has_left_out);
        assert_eq!(next.map(|next| next.number()), Some(1));
    }
}
