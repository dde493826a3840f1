# Needs clang, and a failing input: nobody has one at hand.
build/san-address-undefined-float-cast-overflow-fuzzer-no-link/fuzz() { :; }
# Minutes; part of make fuzz-seeds.
build/san-address-undefined-float-cast-overflow/fuzz() { :; }
