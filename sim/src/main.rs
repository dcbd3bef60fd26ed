//! The simulator's command line.

use palimpsest_sim::{Keep, Plan, run};

fn main() {
    let args: Vec<u64> = std::env::args()
        .skip(1)
        .map(|a| a.parse().unwrap())
        .collect();
    if args.len() == 1 {
        let plan = Plan::draw(args[0]);
        println!("{plan}");
        let o = run(&plan, Keep::Everything);
        for l in &o.trace {
            println!("{l}");
        }
        println!("{:?} {:?} {:?}", o.verdict, o.tally, o.counts);
        return;
    }
    let mut n = 0;
    let (mut steps, mut ops, mut crashes, mut ans, mut drops) = (0, 0, 0, 0, 0);
    let t = std::time::Instant::now();
    for seed in args[0]..args[1] {
        let o = run(&Plan::draw(seed), Keep::Tail);
        steps += o.counts.steps;
        ops += o.tally.operations;
        crashes += o.tally.crashes;
        ans += o.tally.answers;
        drops += o.tally.drops;
        if let Some(v) = o.verdict {
            n += 1;
            if n < 12 {
                println!("seed {seed}: {v}");
            }
        }
    }
    println!(
        "{n} bad; steps {steps} ops {ops} crashes {crashes} answers {ans} drops {drops}; {:?}",
        t.elapsed()
    );
}
