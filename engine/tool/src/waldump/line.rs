//! One line.

use palimpsest::{Key, Lsn};

/// The length of what a line without an LSN or a length is told by, in characters.
const QUOTED_LEN: usize = 80;

/// A record of the log, as far as it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalRecord {
    /// Where it starts in the log.
    pub lsn: Lsn,
    /// Its length without images of pages, in bytes.
    pub len: u32,
    /// The length of its images of pages, in bytes.
    pub image_len: u32,
    /// The pages that it changes, each once.
    pub pages: Vec<PageChange>,
}

/// A page that a record changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageChange {
    /// The key of the page.
    pub key: Key,
    /// How it changes.
    pub change: Change,
}

/// How a record changes a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By an image of the whole page.
    Image,
    /// From nothing: it needs no base.
    Init,
    /// It needs the page below it.
    Record,
}

/// Reads a line; `None` if it is blank.
///
/// # Errors
/// What is missing or wrong, for a person.
pub fn parse_line(line: &str) -> Result<Option<WalRecord>, String> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let quoted: String = line.chars().take(QUOTED_LEN).collect();
    let missing = |what: &str| format!("expected {what}, found {quoted:?}");
    if !line.starts_with("rmgr:") {
        return Err(missing("a line of pg_waldump, which starts with `rmgr:`"));
    }
    let lens = between(line, "len (rec/tot):", ",").and_then(parse_lens);
    let (len, total) = lens.ok_or_else(|| missing("`len (rec/tot): N/ N,`"))?;
    let lsn = between(line, ", lsn:", ",").and_then(parse_lsn);
    let lsn = lsn.ok_or_else(|| missing("`lsn: X/X,`"))?;
    let (_, desc) = line.split_once("desc:").ok_or_else(|| missing("`desc:`"))?;
    let mut parts = desc.split("blkref #");
    let words = parts.next().unwrap_or_default();
    let is_init = words.contains("+INIT") || words.contains("INIT_PAGE");
    let mut pages: Vec<PageChange> = Vec::new();
    for (index, part) in parts.enumerate() {
        let page = parse_page(part, is_init && index == 0);
        let page = page.ok_or_else(|| missing("`blkref #N: rel N/N/N blk N`"))?;
        if pages.iter().any(|other| other.key == page.key) {
            return Err(missing("each page once"));
        }
        pages.push(page);
    }
    Ok(Some(WalRecord {
        lsn,
        len,
        image_len: total.saturating_sub(len),
        pages,
    }))
}

/// The text between two others.
fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(start)?;
    let (inside, _) = rest.split_once(end)?;
    Some(inside.trim())
}

fn parse_lens(text: &str) -> Option<(u32, u32)> {
    let (len, total) = text.split_once('/')?;
    Some((len.trim().parse().ok()?, total.trim().parse().ok()?))
}

fn parse_lsn(text: &str) -> Option<Lsn> {
    let (high, low) = text.split_once('/')?;
    let half = |digits: &str| u32::from_str_radix(digits, 16).ok();
    Some(Lsn(u64::from(half(high)?) << 32 | u64::from(half(low)?)))
}

/// Reads `0: rel 1663/16384/16397 fork vm blk 0 FPW, `.
fn parse_page(text: &str, is_init: bool) -> Option<PageChange> {
    let (_, rest) = text.split_once(':')?;
    let is_between = |character: char| character.is_whitespace() || ",;".contains(character);
    let mut words = rest.split(is_between).filter(|word| !word.is_empty());
    if words.next()? != "rel" {
        return None;
    }
    let mut relation = words
        .next()?
        .split('/')
        .map(|number| number.parse::<u32>().ok());
    let [tablespace, database, table] = [relation.next()??, relation.next()??, relation.next()??];
    let mut word = words.next()?;
    let mut fork = 0;
    if word == "fork" {
        fork = match words.next()? {
            "main" => 0,
            "fsm" => 1,
            "vm" => 2,
            "init" => 3,
            _ => return None,
        };
        word = words.next()?;
    }
    if word != "blk" || relation.next().is_some() {
        return None;
    }
    let block: u32 = words.next()?.parse().ok()?;
    let is_image = words.any(|word| word == "FPW" || word == "(FPW)");
    let change = match (is_image, is_init) {
        (true, _) => Change::Image,
        (false, true) => Change::Init,
        (false, false) => Change::Record,
    };
    let mut key = [0; Key::LEN];
    key[1..5].copy_from_slice(&tablespace.to_be_bytes());
    key[5..9].copy_from_slice(&database.to_be_bytes());
    key[9..13].copy_from_slice(&table.to_be_bytes());
    key[13] = fork;
    key[14..].copy_from_slice(&block.to_be_bytes());
    Some(PageChange {
        key: Key::from_bytes(key),
        change,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_its_pages_and_how_they_change() {
        let line = "rmgr: Heap2       len (rec/tot):     64/  8256, tx:        729, lsn: \
                    1/0194ADD8, prev 0/01949448, desc: VISIBLE cutoff xid 0 flags 0x03, blkref #0: \
                    rel 1663/16384/16397 fork vm blk 7 FPW, blkref #1: rel 1663/16384/16397 \
                    blk 2\n";
        let record = parse_line(line).unwrap().unwrap();
        assert_eq!(record.lsn, Lsn(0x1_0194_ADD8));
        assert_eq!((record.len, record.image_len), (64, 8192));
        let pages: Vec<(String, Change)> = record
            .pages
            .iter()
            .map(|page| (page.key.to_string(), page.change))
            .collect();
        let vm = "000000067F000040000000400D0200000007".to_owned();
        let main = "000000067F000040000000400D0000000002".to_owned();
        assert_eq!(pages, [(vm, Change::Image), (main, Change::Record)]);
    }

    #[test]
    fn the_first_page_of_an_init_needs_no_base() {
        let line = "rmgr: Heap        len (rec/tot):    100/   100, tx: 1, lsn: 0/10, prev 0/0, \
                    desc: UPDATE+INIT off 1, blkref #0: rel 1/2/3 blk 4, blkref #1: rel 1/2/3 \
                    blk 3";
        let record = parse_line(line).unwrap().unwrap();
        let changes: Vec<Change> = record.pages.iter().map(|page| page.change).collect();
        assert_eq!(changes, [Change::Init, Change::Record]);
    }

    #[test]
    fn a_line_that_cannot_be_read_says_what_is_missing() {
        let good = "rmgr: Heap len (rec/tot): 60/60, tx: 1, lsn: 0/10, prev 0/0, desc: X";
        assert!(parse_line(good).unwrap().unwrap().pages.is_empty());
        assert_eq!(parse_line("  "), Ok(None));
        for (from, to, told) in [
            ("rmgr:", "rmgr", "starts with `rmgr:`"),
            ("60/60", "60", "`len (rec/tot): N/ N,`"),
            ("0/10", "0-10", "`lsn: X/X,`"),
            ("desc: X", "", "`desc:`"),
            ("desc: X", "desc: X, blkref #0: rel 1/2 blk 3", "`blkref #N"),
            (
                "desc: X",
                "desc: X, blkref #0: rel 1/2/3 blk 3, blkref #1: rel 1/2/3 blk 3",
                "each page once",
            ),
        ] {
            let error = parse_line(&good.replace(from, to)).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
