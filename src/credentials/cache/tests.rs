use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::time::{advance, sleep};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn key(name: &str) -> Key {
    Key::of("test", &name)
}

/// A peer that lends numbered values and counts how often it was asked.
#[derive(Clone, Default)]
struct Lender {
    asked: Arc<AtomicU64>,
    broken: Arc<AtomicU64>,
}

impl Lender {
    fn lend(&self, lifetime: Duration) -> impl Future<Output = Result<Lease<u64>, Error>> + use<> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let broken = self.broken.load(Ordering::SeqCst) > 0;
        async move {
            sleep(Duration::from_millis(50)).await;
            match broken {
                true => Err(Error::Credentials("broken".into())),
                false => Ok(Lease {
                    value: number,
                    lifetime,
                }),
            }
        }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn break_down(&self, broken: bool) {
        self.broken.store(broken.into(), Ordering::SeqCst);
    }
}

async fn get(cache: &Cache<u64>, lender: &Lender, lifetime: Duration) -> Result<u64, Error> {
    let value = cache.get(key("a"), || lender.lend(lifetime)).await;
    value.map(|value| *value)
}

/// Lets tasks that were spawned come to their end.
async fn settle() {
    sleep(Duration::from_millis(60)).await;
}

#[test]
fn each_age_has_its_stage() {
    let s = Duration::from_secs;
    let ms = Duration::from_millis;
    for (age, lifetime, expected) in [
        (s(0), HOUR, Stage::Fresh),
        (s(3299), HOUR, Stage::Fresh),
        (s(3300), HOUR, Stage::Due),
        (s(3589), HOUR, Stage::Due),
        (s(3590), HOUR, Stage::Over),
        (s(299), s(600), Stage::Fresh),
        (s(300), s(600), Stage::Due),
        (s(240), s(301), Stage::Fresh),
        (s(241), s(301), Stage::Due),
        (ms(1500), s(2), Stage::Fresh),
        (ms(1600), s(2), Stage::Due),
        (ms(1800), s(2), Stage::Over),
        (s(0), s(0), Stage::Over),
    ] {
        assert_eq!(stage(age, lifetime), expected, "{age:?} of {lifetime:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_calls_at_once_fetch_once() {
    let (cache, lender) = (Arc::new(Cache::default()), Lender::default());
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (cache, lender) = (cache.clone(), lender.clone());
            tokio::spawn(async move { get(&cache, &lender, HOUR).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("joined"), Ok(1));
    }
    assert_eq!(lender.asked(), 1);
    let expected = CacheStats {
        entries: 1,
        refreshes: 1,
    };
    assert_eq!(cache.stats(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_goes_away_takes_nothing_with_it() {
    let (cache, lender) = (Cache::default(), Lender::default());
    let first = get(&cache, &lender, HOUR);
    assert!(
        tokio::time::timeout(Duration::from_millis(10), first)
            .await
            .is_err()
    );
    assert_eq!(get(&cache, &lender, HOUR).await, Ok(1), "the fetch went on");
    assert_eq!(lender.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn renewal_happens_behind_calls_that_use_the_old_value() {
    let (cache, lender) = (Cache::default(), Lender::default());
    assert_eq!(get(&cache, &lender, HOUR).await, Ok(1));
    advance(HOUR - Duration::from_secs(290)).await;
    for _ in 0..5 {
        assert_eq!(
            get(&cache, &lender, HOUR).await,
            Ok(1),
            "the old one, at once"
        );
    }
    settle().await;
    assert_eq!(get(&cache, &lender, HOUR).await, Ok(2));
    assert_eq!(lender.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_keeps_the_value_until_its_end() {
    let (cache, lender) = (Cache::default(), Lender::default());
    assert_eq!(get(&cache, &lender, HOUR).await, Ok(1));
    advance(HOUR - Duration::from_secs(290)).await;
    lender.break_down(true);
    assert_eq!(get(&cache, &lender, HOUR).await, Ok(1));
    settle().await;
    assert_eq!(get(&cache, &lender, HOUR).await, Ok(1));
    settle().await;
    assert_eq!(lender.asked(), 2, "not again within a second");
    advance(RETRY_AFTER).await;
    assert_eq!(get(&cache, &lender, HOUR).await, Ok(1));
    settle().await;
    assert_eq!(lender.asked(), 3);
    advance(Duration::from_secs(300)).await;
    assert!(
        get(&cache, &lender, HOUR).await.is_err(),
        "over, and still broken"
    );
    lender.break_down(false);
    assert_eq!(
        get(&cache, &lender, HOUR).await,
        Ok(5),
        "healed, and tried at once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_reaches_all_who_wait_and_none_after() {
    let (cache, lender) = (Cache::default(), Lender::default());
    lender.break_down(true);
    let (a, b) = tokio::join!(get(&cache, &lender, HOUR), get(&cache, &lender, HOUR));
    assert!(a.is_err() && a == b);
    assert_eq!((lender.asked(), cache.stats().entries), (1, 0));
    lender.break_down(false);
    assert_eq!(get(&cache, &lender, HOUR).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_two_second_value_never_fails_a_call() {
    let (cache, lender) = (Cache::default(), Lender::default());
    for _ in 0..100 {
        assert!(get(&cache, &lender, Duration::from_secs(2)).await.is_ok());
        advance(Duration::from_millis(100)).await;
    }
    assert!((5..=8).contains(&lender.asked()), "{}", lender.asked());
}

#[tokio::test(start_paused = true)]
async fn a_value_without_life_serves_those_who_wait() {
    let (cache, lender) = (Cache::default(), Lender::default());
    let none = Duration::ZERO;
    let (a, b) = tokio::join!(get(&cache, &lender, none), get(&cache, &lender, none));
    assert_eq!((a, b), (Ok(1), Ok(1)));
    assert_eq!(get(&cache, &lender, none).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_fails_its_calls_and_no_later_one() {
    let cache = Cache::default();
    let broken = cache.get(key("a"), || async { panic!("a bug") });
    assert!(matches!(broken.await, Err(Error::Panic(_))));
    assert_eq!(get(&cache, &Lender::default(), HOUR).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn the_least_recently_used_makes_room() {
    let (cache, lender) = (Cache::default(), Lender::default());
    let get = async |name: String| {
        cache
            .get(key(&name), || lender.lend(HOUR))
            .await
            .map(|v| *v)
    };
    for number in 0..MAX_ENTRIES {
        get(number.to_string()).await.expect("lent");
    }
    assert_eq!(
        get("0".into()).await,
        Ok(1),
        "used again, so 1 is now the oldest"
    );
    get("new".into()).await.expect("lent");
    assert_eq!(cache.stats().entries, MAX_ENTRIES);
    assert_eq!(get("0".into()).await, Ok(1));
    let asked = lender.asked();
    get("1".into()).await.expect("lent");
    assert_eq!(lender.asked(), asked + 1, "1 had to go");
}

#[tokio::test(start_paused = true)]
async fn what_is_over_goes_before_what_is_used_least() {
    let (cache, lender) = (Cache::default(), Lender::default());
    let get = async |name: &str, life| cache.get(key(name), || lender.lend(life)).await;
    get("old", HOUR * 3).await.expect("lent");
    get("short", HOUR).await.expect("lent");
    advance(HOUR).await;
    for number in 2..=MAX_ENTRIES {
        get(&format!("n{number}"), HOUR).await.expect("lent");
    }
    let asked = lender.asked();
    get("old", HOUR).await.expect("held");
    assert_eq!(lender.asked(), asked, "still there");
}

#[tokio::test(start_paused = true)]
async fn any_number_of_fetches_at_once_stay_within_bounds() {
    let cache = Arc::new(Cache::default());
    let waiting = Arc::new(Notify::new());
    let calls: Vec<_> = (0..MAX_ENTRIES as u64 + 50)
        .map(|number| {
            let (cache, waiting) = (cache.clone(), waiting.clone());
            tokio::spawn(async move {
                let fetch = || async move {
                    waiting.notified().await;
                    Ok(Lease {
                        value: number,
                        lifetime: HOUR,
                    })
                };
                cache
                    .get(key(&number.to_string()), fetch)
                    .await
                    .map(|value| *value)
            })
        })
        .collect();
    settle().await;
    waiting.notify_waiters();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.expect("joined"), Ok(number as u64));
    }
    assert!(cache.stats().entries <= MAX_ENTRIES);
}

#[test]
fn a_key_tells_every_input_apart() {
    let keys = [
        Key::of("a", &("x", "yz")),
        Key::of("a", &("xy", "z")),
        Key::of("b", &("x", "yz")),
        Key::of("a", &("x", Some("yz"))),
        Key::of("a", &("x", None::<&str>)),
        Key::of("a", &("x", "")),
    ];
    for (at, key) in keys.iter().enumerate() {
        let same = keys.iter().filter(|other| *other == key).count();
        assert_eq!(same, 1, "key {at}");
    }
}

#[test]
fn neither_keys_nor_values_print() {
    let cache: Cache<u64> = Cache::default();
    assert_eq!(
        format!("{cache:?} {:?}", key("a")),
        "Cache { entries: 0 } Key"
    );
}
