//! Followers, and parameters that are not trained.

use candle_core::{DType, Device};
use physrep_nn::{Init, MovingAverage, Params};

use crate::support::values;

fn network(params: &Params) {
    params.get((2, 3), "weight", Init::Normal { std: 1.0 }).unwrap();
    params.get(3, "bias", Init::Normal { std: 1.0 }).unwrap();
}

fn all(params: &Params) -> Vec<f64> {
    params.named().iter().flat_map(|(_, var)| values(var)).collect()
}

#[test]
fn a_follower_starts_at_the_leader_and_moves_towards_it() {
    let params = Params::new(DType::F64, &Device::Cpu, 1);
    let (leader, follower) = (params.pp("leader"), params.pp("follower").untrained());
    network(&leader);
    network(&follower);
    assert!(all(&leader) != all(&follower));
    let average = MovingAverage::new(&leader, &follower).unwrap();
    let start = all(&leader);
    assert_eq!(start, all(&follower));
    for (_, var) in leader.named() {
        var.set(&(var.as_tensor() + 1.0).unwrap()).unwrap();
    }
    average.update(0.75).unwrap();
    average.update(0.75).unwrap();
    for (got, start) in all(&follower).iter().zip(&start) {
        assert!((got - (start + 1.0 - 0.75 * 0.75)).abs() < 1e-12, "{got} from {start}");
    }
}

#[test]
fn a_follower_is_saved_but_not_trained() {
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    network(&params.pp("leader"));
    network(&params.pp("follower").untrained().pp("deeper"));
    let names = |list: Vec<(String, _)>| list.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(params.trained()), ["leader.bias", "leader.weight"]);
    assert_eq!(names(params.named()).len(), 4);
}

#[test]
fn networks_that_differ_are_an_error() {
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    network(&params.pp("leader"));
    params.pp("follower").get((2, 3), "weight", Init::Const(0.0)).unwrap();
    let error = MovingAverage::new(&params.pp("leader"), &params.pp("follower")).err().unwrap().to_string();
    assert!(error.contains("in names or shapes"), "{error}");
}
