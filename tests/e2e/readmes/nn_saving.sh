# The checksum by Python is the one that the program, which ran before, has put into its file.
if has_numpy; then
  cat - python1 >checksum.py <<'PYTHON'
import json, sys, zlib
import numpy as np
data = open("model.safetensors", "rb").read()
begin = 8 + int.from_bytes(data[:8], "little")
header = json.loads(data[8:begin])
metadata = header.pop("__metadata__")
stored = metadata.pop("adjoint.crc32")
tensors = {}
for name, entry in header.items():
    first, last = entry["data_offsets"]
    assert entry["dtype"] == "F32"
    x = np.frombuffer(data[begin + first:begin + last], "<f4").reshape(entry["shape"])
    tensors[name] = entry["dtype"], x
PYTHON
  echo 'assert tensors and metadata["adjoint.crc32"] == stored' >>checksum.py
  python3 checksum.py
fi
