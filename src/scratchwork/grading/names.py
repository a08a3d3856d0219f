"""What arguments and arrays are called: one spelling for weights_1 and W1, and the roles that a name may stand for."""

from __future__ import annotations

import re

ROLES: dict[str, tuple[str, ...]] = {
    "x": (
        "x",
        "inputs",
        "input",
        "data",
        "xtrain",
        "features",
        "xs",
        "images",
        "batch",
        "a0",
        "inputdata",
        "xbatch",
        "samples",
        "traininginputs",
        "trainx",
        "inp",
        "xb",
        "inputvector",
        "trainingdata",
        "xdata",
        "inputarray",
        "trainimages",
    ),
    "y": (
        "y",
        "labels",
        "targets",
        "target",
        "ytrue",
        "ytrain",
        "label",
        "t",
        "expected",
        "ybatch",
        "truth",
        "actual",
        "ys",
        "desired",
        "trainingoutputs",
        "trainy",
        "desiredoutput",
        "yb",
        "outputdata",
        "groundtruth",
        "trainlabels",
        "truelabels",
        "targetvector",
        "ydata",
        "yi",
        "labelsbatch",
        "correct",
    ),
    "yhot": (
        "onehoty",
        "yonehot",
        "yoh",
        "onehot",
        "yenc",
        "yencoded",
        "onehotlabels",
        "yhot",
        "onehottargets",
        "labelsonehot",
        "targetsonehot",
        "ymat",
        "yvec",
        "tonehot",
        "yonehotencoded",
    ),
    "lr": ("lr", "learningrate", "alpha", "eta", "rate", "stepsize", "learnrate", "gamma", "lrate"),
    "reg": (
        "reg",
        "lambda",
        "lambd",
        "lmbda",
        "reglambda",
        "l2",
        "l2reg",
        "weightdecay",
        "lam",
        "regstrength",
        "l2lambda",
        "regularization",
        "lamb",
        "l1",
        "l1reg",
    ),
    "iterations": (
        "iterations",
        "epochs",
        "numiterations",
        "niters",
        "numiters",
        "niter",
        "iters",
        "nepochs",
        "numepochs",
        "steps",
        "nsteps",
        "numsteps",
        "maxiter",
        "iter",
        "nit",
    ),
    "rows": ("m", "n", "nsamples", "batchsize", "numexamples", "numsamples", "nexamples", "mtrain", "ntrain", "numtrain"),
    "params": ("params", "parameters", "model", "net", "network", "weights", "p", "theta", "nn", "weightsandbiases", "wb", "w"),
    "cache": (
        "cache",
        "caches",
        "memory",
        "activations",
        "forwardcache",
        "acts",
        "values",
        "intermediates",
        "store",
        "forwardoutputs",
        "fwd",
        "hidden",
        "cached",
        "tape",
        "state",
        "forwardpass",
    ),
    "grads": ("grads", "gradients", "grad", "gradient", "g", "dparams", "derivatives"),
    "out": (
        "al",
        "yhat",
        "ypred",
        "pred",
        "preds",
        "predictions",
        "probs",
        "out",
        "outputs",
        "prediction",
        "predicted",
        "scores",
        "logits",
        "yprob",
        "probabilities",
        "h",
        "final",
        "a",
        "s",
        "yp",
        "output",
        "outputactivation",
        "networkoutput",
    ),
    "off": ("verbose", "printcost", "training", "train", "istraining", "plot", "dropout", "droprate", "dropoutrate", "decay"),
    "seed": ("seed", "randomstate"),
    "keep": ("keepprob", "keep", "pkeep"),
    "beta1": ("beta1", "beta", "momentum", "mu", "rho"),
    "beta2": ("beta2",),
    "eps": ("eps", "epsilon"),
    "features": (
        "inputsize",
        "ninputs",
        "nx",
        "inputdim",
        "ninput",
        "indim",
        "nin",
        "d",
        "numfeatures",
        "nfeatures",
        "inputnodes",
        "inputunits",
        "din",
        "innodes",
        "infeatures",
        "inputlayersize",
        "i",
        "insize",
        "fanin",
        "indims",
        "inputs",
        "inputdims",
        "nvisible",
        "ninp",
        "numinputs",
        "inputlayer",
        "dims",
    ),
    "classes": (
        "outputsize",
        "noutputs",
        "ny",
        "outputdim",
        "noutput",
        "outdim",
        "nout",
        "numclasses",
        "nclasses",
        "classes",
        "k",
        "outputnodes",
        "c",
        "outputunits",
        "dout",
        "outnodes",
        "outfeatures",
        "outputlayersize",
        "o",
        "outsize",
        "fanout",
        "outdims",
        "outputdims",
        "neurons",
        "numneurons",
        "numoutputs",
        "outputlayer",
        "numlabels",
    ),
    "units": (
        "hiddensize",
        "nhidden",
        "nh",
        "hiddendim",
        "hidden",
        "hiddenunits",
        "hiddennodes",
        "h",
        "nneurons",
        "numhidden",
        "hiddenlayersize",
        "hiddenneurons",
        "hidsize",
        "nhid",
        "hiddenlayer",
        "hid",
        "hdim",
    ),
    "units2": ("hidden2", "hiddensize2", "nh2", "h2", "hidden2size", "nhidden2", "hiddendim2", "hiddenunits2"),
    "sizes": (
        "sizes",
        "layerdims",
        "layers",
        "layersizes",
        "architecture",
        "arch",
        "dimensions",
        "layersdims",
        "layerssizes",
        "shape",
        "nodes",
        "structure",
        "nnarchitecture",
        "units",
        "layout",
        "layerunits",
        "topology",
    ),
}


ROLES["hiddens"] = ("hiddensizes", "hiddendims", "hiddenlayers", "hiddenlayersizes")


def plain(name: str) -> str:
    """A name without case and underscores: "W_1" and "w1" are the same."""
    return name.lower().replace("_", "").replace(" ", "")


def canonical(name: str) -> str:
    """One spelling for the usual ones: "weights_1" is w1, "grad_W1" and "W1_grad" are dw1, "self.bias2" is b2."""
    parts = name.split(".")
    last = parts[-1]
    if len(parts) > 1 and last.isdigit():
        last = parts[-2] + last
    elif len(parts) > 1 and parts[-2].isdigit() and not re.search(r"\d", last):
        last += parts[-2]
    text = plain(last)
    gradient = ""
    for pattern in (
        r"^(?:grad(?:ient)?s?|nabla|delta|der|d)(?:of)?(?=(?:w|b|theta|kernel)[a-z]*\d*[a-z]*\d*$)",
        r"(?:grad(?:ient)?s?|delta)$",
    ):
        shorter = re.sub(pattern, "", text)
        if shorter and shorter != text:
            text, gradient = shorter, "d"
            break
    text = re.sub(r"^(?:weights?|theta|kernel)(?=\d|$|[a-z])", "w", text)
    text = re.sub(r"^(?:bias(?:es)?)(?=\d|$|[a-z])", "b", text)
    text = re.sub(r"^(.+?)(?:weights?)(\d*)$", r"w\1\2", text)
    text = re.sub(r"^(.+?)(?:bias(?:es)?)(\d*)$", r"b\1\2", text)
    return gradient + text


def is_gradient_name(name: str) -> bool:
    """Whether a name is that of a gradient: dW1, db, grad_w, weights_gradient, nabla_b, dinputs; `data` is none."""
    last = name.split(".")[-1].lower().strip("_")
    if re.search(r"grad|nabla|delta|deriv", last):
        return True
    letters = r"(w|b)[a-z]{0,2}\d*(_\w+)?|(x|a|z|h|s)\d*(_\w+)?"
    words = (
        r"weights?\w*|bias(es)?\w*|inputs?\w*|theta\d*|kernel\d*|params?|out(put)?s?\d*|prev|gamma|beta|values?|scores|logits"
    )
    return bool(re.fullmatch(f"d_?({letters}|{words})", last))


def roles_of(name: str) -> list[str]:
    """The roles that a parameter's name may stand for, likeliest first."""
    text = plain(name)
    return [role for role, words in ROLES.items() if text in words]
