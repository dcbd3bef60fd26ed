// Opens or creates a timeline, writes two values of a key, and reads the past.
use palimpsest::{Batch, Engine, Key, Lsn, Options, OsIo, Result, TimelineId, Value, block_on};

fn main() -> Result<()> {
    let dir = std::env::args().nth(1);
    let dir = dir.unwrap_or("/tmp/palimpsest-quickstart".to_owned());
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.as_ref(), Options::default()).await?;
        let id = TimelineId([1; 16]);
        let timeline = match engine.timelines().await?.contains(&id) {
            true => engine.open_timeline(id).await?,
            false => engine.create_timeline(id, Lsn(0)).await?,
        };

        // LSNs never fall: a second run writes above what the first one wrote.
        let last = timeline.last_record_lsn();
        let [old, between, new] = [10, 15, 20].map(|distance| Lsn(last.0 + distance));
        let mut batch = Batch::new();
        batch.push(Key::MIN, old, &Value::Image(b"first".to_vec()))?;
        batch.push(Key::MIN, new, &Value::Image(b"second".to_vec()))?;
        timeline.writer()?.put_batch(&batch).await?;
        let durable = timeline.flush().await?;
        println!("durable up to LSN {durable}, in {dir}");

        for lsn in [old, between, new] {
            let value = timeline.get(Key::MIN, lsn).await?.unwrap_or_default();
            println!("at LSN {lsn} it was {:?}", String::from_utf8_lossy(&value));
        }
        engine.shutdown().await
    })
}
