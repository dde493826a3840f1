# adjoint: build it, train with it, test it. `make help` lists the targets and the variables.

# ---- Variables -----------------------------------------------------------------------------------
# Set on the command line or in the environment. `make help` prints the lines that begin with ##.
##
## Variables, as in `make test SAN=address,undefined`:
##   MARCH=native        the processor to compile for; x86-64-v3 for programs that run elsewhere
##   DEBUG=1             no optimisation, debug information, library assertions; own build folder
##   SAN=                sanitizers: address,undefined or thread; own build folder
##   WERROR=0            a warning in our sources does not stop the build
##   NO_INSTALL=1        install nothing: say what is missing and stop
##   PREFIX=/usr/local   where make install puts library and program; DESTDIR= stages it
##   JOINED=1            compile the tests of a folder as one: better the first time, worse for a change
##   CXX= CXXFLAGS= LDFLAGS= TEST_OPT=        the compiler, further flags, how tests are optimised
##   TRAIN_ARGS= TEST_ARGS= GRADCHECK_ARGS= EXPLORE_ARGS=   further arguments of the programs that make runs
##   QUICK=1             for make experiments: the short form
##   FUZZ= FUZZ_S= CLANG=    for make fuzz: see tests/fuzz/README.md
##   TORCH=1 BENCH_S= CONFIGS= TABLES= ROUNDS=   for make bench: see tests/benchmarks/README.md
MARCH ?= native

# ---- Shell and cores -----------------------------------------------------------------------------
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all
MAKEFLAGS += -r

# All cores, unless -j was given or a calling make already shares them out.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
  MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

dry_run := $(findstring n,$(firstword -$(MAKEFLAGS)))
comma := ,

# ---- Compiler flags ------------------------------------------------------------------------------
# Each kind of build has a folder of its own: build, build/debug, build/san-address-undefined.
# None of them uses -ffast-math: NaN and infinity keep their meaning, and sums their order.
debug := $(filter-out 0,$(DEBUG))
PLAIN := build$(if $(debug),/debug)
BUILD := $(PLAIN)$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

PLAIN_MODE := $(if $(debug),-O0 -g -D_GLIBCXX_ASSERTIONS,-O3)
MODE := $(PLAIN_MODE)
# For code that does little arithmetic, which is most of it: more optimisation only costs time.
COLD := $(if $(debug),,-O1)
ifneq ($(SAN),)
  MODE := $(if $(debug),-O0 -D_GLIBCXX_ASSERTIONS,-O1) -g1 -fno-omit-frame-pointer
  COLD := -O0
  # Pointer checks would double the compile time and find little: a null pointer crashes anyway,
  # and elements are always created by an allocation or a copy of their own type.
  MODE += -fsanitize=$(SAN) -fno-sanitize=null$(comma)vptr$(comma)alignment -fno-sanitize-recover=all
  # The sanitizer reports crashes, with a stack trace; Boost.Test must not catch them first. Tests
  # that repeat similar work thousands of times are left out to save time. To run them as well:
  # make test SAN=address,undefined left_out=
  left_out := lessons mutations culprits hard_functions gradcheck_of_large_functions */a_chain_of_a_million*
  left_out += */second_order_agrees* */a_vjp_that_is_wrong_for_some_outputs* nn_gradcheck
  left_out += */the_locale_changes_no_number */random_settings* */every_accepted_value* */the_error_grows_like*
  left_out += */in_f32_the_cache* */samples_follow* */the_cache_*
  left_out += checkpoint_corruption/a_wrong_byte_in_the_header* */a_run_stopped_at_every_step*
  left_out += */its_cross_entropy_has* */a_gradient_check_passes_in_every_order */the_lists_are_sorted* */every_bit_of_a_number*
  # The sanitizer ends a program whose `new` fails.
  left_out += */where_memory_ends*
  left_out += */large_functions
  test_args := --catch_system_errors=no $(patsubst %,--run_test='!%',$(left_out))
  export UBSAN_OPTIONS ?= print_stacktrace=1 abort_on_error=1
  # A test asks for more memory than exists and expects an error.
  export ASAN_OPTIONS ?= allocator_may_return_null=1 abort_on_error=1
  export TSAN_OPTIONS ?= allocator_may_return_null=1 halt_on_error=1 suppressions=$(CURDIR)/tests/race/suppressions
endif

mode = $(MODE)
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(if $(filter 0,$(WERROR)),,-Werror)
COMPILE = $(CXX) -std=c++20 $(mode) -march=$(MARCH) -fopenmp-simd -pthread -I. $(BLAS_CFLAGS)
LINK = $(CXX) $(MODE) -pthread $(LDFLAGS)
LIBS = $(BLAS_LIBS) -lutf8proc -lz

# The libraries' objects also make the shared library, hence -fPIC. No program may replace a function
# of ours, so the compiler may inline across them. Nobody reads the flags that floating-point
# exceptions raise; without them a loop that chooses between two results can be vectorised on AVX2.
LIBRARY := -fPIC -fno-semantic-interposition -fno-trapping-math

# Tests compile for long and run briefly: little optimisation, and library assertions. A sanitizer
# watches the code under test, so the tests' own objects come from the plain build; only the thread
# sanitizer has to see their locks and counters as well.
TEST_OPT ?= $(if $(debug),-O0,-O1) -D_GLIBCXX_ASSERTIONS
TEST_FLAGS = $(TEST_OPT) -DBOOST_TEST_DYN_LINK=
own_tests := $(findstring thread,$(SAN))$(findstring fuzzer,$(SAN))
TESTS := $(if $(own_tests),$(BUILD),$(PLAIN))
TEST_MODE := $(if $(own_tests),$(MODE),$(PLAIN_MODE))

# ---- Dependencies --------------------------------------------------------------------------------
# .ci/dependencies finds the compiler and the libraries, installs what is missing, and writes down
# where BLAS is and whether the optional sentencepiece exists. make reads that file, and writes it
# again once a header that was found then is gone. A dry run, which is also how a shell completes
# `make t<tab>`, installs nothing.
FOUND_HERE := build/dependencies.mk
NO_INSTALL := $(if $(dry_run),1,$(NO_INSTALL))
export CXX NO_INSTALL
ifneq ($(filter-out help clean docs format lint-format lint-arrows uninstall,$(or $(MAKECMDGOALS),all)),)
  include $(FOUND_HERE)
endif
$(FOUND_HERE): .ci/dependencies
	@.ci/dependencies $@

# ---- Sources, objects, programs ------------------------------------------------------------------
files := $(sort $(shell find autograd nn data examples tests -name '*.h' -o -name '*.cpp'))
# $(call objects,PATTERN...): the objects of the sources that match; in a pattern, % matches / too.
# With sanitizers, all sources of a folder are compiled as one, to all.o: reading the headers once for
# all of them halves the compile time. So a name in an unnamed namespace is used once in a folder.
# With JOINED=1 so are tests; their names may clash (see .ci/join).
joined := $(if $(SAN),autograd/% nn/% data/% examples/seq2seq/% examples/gradcheck/% examples/explain/%\
  examples/experiments/squad/%)
joined += $(if $(filter-out 0,$(JOINED)),tests/%_test.cpp tests/autograd/ops/samples/% tests/autograd/gradcheck/mutations/%)
joined_in = $(filter $(joined),$(wildcard $(1)/*.cpp))
sources = $(filter $(1),$(filter %.cpp,$(files)))
objects = $(patsubst %.cpp,$(BUILD)/objects/%.o,$(filter-out $(joined),$(sources)))\
  $(sort $(patsubst %,$(BUILD)/objects/%all.o,$(dir $(filter $(joined),$(sources)))))
test_objects = $(patsubst $(BUILD)/%,$(TESTS)/%,$(objects))

# Programs link objects, not archives: operations register themselves when a program starts, and a
# linker drops from an archive what nobody calls. The benchmarks need no checkers.
checkers := $(call objects,autograd/gradcheck/% nn/checks/%)
core := $(filter-out $(checkers),$(call objects,autograd/% nn/% data/%))
libraries := $(core) $(checkers)
examples := $(call objects,examples/%)
checks := $(call objects,tests/checks/%)
benchmarks := $(call objects,tests/benchmarks/%)
robustness := $(call objects,tests/fuzz/% tests/race/%)
tests := $(filter-out $(foreach folder,checks benchmarks e2e fuzz race,$(TESTS)/objects/tests/$(folder)/%),$(call test_objects,tests/%))
# What tests and checks share. It does not use Boost.Test.
shared := $(call test_objects,tests/%/support.cpp tests/autograd/ops/samples% tests/autograd/gradcheck/mutations/%\
  tests/autograd/gradcheck/mutations.cpp tests/autograd/gradcheck/hard_functions.cpp\
  tests/autograd/gradcheck/hard_functions/% tests/autograd/gradcheck/ten_mistakes.cpp\
  tests/nn/checks/culprits.cpp tests/parity/exchanged.cpp)
everything := $(libraries) $(tests) $(checks) $(examples) $(benchmarks) $(robustness)

# Without httplib, which is optional, there is no explore.
PROGRAMS := $(patsubst examples/%.cpp,$(BUILD)/%,$(filter-out $(if $(HTTPLIB_LIBS),,%/explore.cpp),$(wildcard examples/*.cpp)))
# A lesson is named 01_… to 12_…; the solution of its exercise lies in examples/solutions.
LESSONS := $(patsubst examples/%.cpp,$(BUILD)/%,$(sort $(wildcard examples/[0-9]*.cpp)))
SOLUTIONS := $(patsubst examples/%.cpp,$(BUILD)/%,$(sort $(wildcard examples/solutions/*.cpp)))
CHECKS := $(patsubst tests/checks/%.cpp,$(BUILD)/%,$(wildcard tests/checks/*.cpp))
BENCHES := $(patsubst tests/benchmarks/bench_%.cpp,$(BUILD)/bench-%,$(wildcard tests/benchmarks/bench_*.cpp))

# A learner's program is a source in examples/ that git does not track. Its warnings stop nothing.
learners := $(filter-out $(call objects,$(shell git ls-files examples 2>/dev/null)),\
  $(patsubst $(BUILD)/%,$(BUILD)/objects/examples/%.o,$(PROGRAMS)))
$(learners): private WARNINGS := -Wall -Wextra

# ---- Compiling -----------------------------------------------------------------------------------
# Compiling a source and linking a program are steps, shown as `[ 37/131] compile autograd/grad.cpp`.
# When the first step begins, a dry run counts all of them.
step = printf '[%3d/%d] %s\n' $(eval steps += x)$(words $(steps)) $(total) '$(1)'
total = $(eval total := $(if $(dry_run),0,$(shell MAKEFLAGS='n -- $(subst ','\'',$(MAKEOVERRIDES))' \
  $(MAKE) $(MAKECMDGOALS) 2>/dev/null | grep -c "^printf '\[%3d")))$(total)

compiler = $(COMPILE) $(WARNINGS) $(extra) $(CXXFLAGS) -MMD -MP
define compile =
	@mkdir -p $(@D)
	@$(call step,compile $<)
	@$(compiler) -c $< -o $@
endef
$(BUILD)/objects/%.o: %.cpp $(BUILD)/flags
	$(compile)

define compile_joined =
	@mkdir -p $(@D)
	@$(call step,compile $*/*.cpp)
	@.ci/join $(call joined_in,$*) >$(@:.o=.cpp)
	@$(compiler) -Wno-shadow -c $(@:.o=.cpp) -o $@
endef
$(BUILD)/objects/%/all.o: $$(call joined_in,$$*) $(BUILD)/flags
	$(compile_joined)

# Kernels in C, which gradcheck_kernel and programs like it check.
$(BUILD)/objects/examples/%.o: examples/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(call step,compile $<)
	@$(CXX) -x c -std=c11 $(MODE) -march=$(MARCH) -Wall -Wextra -c $< -o $@

# The tests' objects are the plain build's, unless the tests are sanitized too.
ifneq ($(TESTS),$(BUILD))
$(TESTS)/objects/%.o: %.cpp
	$(compile)
$(TESTS)/objects/%/all.o: $$(call joined_in,$$*)
	$(compile_joined)
endif

# There are three kinds of objects: hot ones, which compute; cold ones, which tell them what to
# compute; and tests. For each kind, the headers that most sources include are compiled once, since
# reading them takes half the compile time of a source. make use_precompiled= does without.
use_precompiled ?= yes
hot := $(call objects,$(wildcard autograd/*.cpp) autograd/ops/% autograd/kernels/% $(if $(SAN),,nn/training/% nn/decoding/%))
cold := $(filter-out $(hot),$(libraries)) $(examples) $(checks) $(robustness)
for_hot := $(BUILD)/precompiled/hot.h
for_cold := $(BUILD)/precompiled/cold.h
for_tests := $(TESTS)/precompiled/tests.h
$(hot) $(for_hot).gch: private extra = $(LIBRARY) $(own)
$(cold) $(for_cold).gch: private extra = $(LIBRARY) $(COLD) $(own)
$(tests) $(for_tests).gch: private extra = $(TEST_FLAGS) $(own)
$(tests) $(for_tests).gch: private mode = $(TEST_MODE)
$(tests): $(TESTS)/test-flags

# They are renamed when complete, so that another make in the same folder never reads half of one.
precompiled := $(addsuffix .gch,$(for_hot) $(for_cold) $(for_tests))
$(for_hot).gch $(for_cold).gch: .ci/precompiled.h $(BUILD)/flags
$(for_tests).gch: tests/precompiled.h $(TESTS)/test-flags
$(precompiled):
	@mkdir -p $(@D)
	@$(call step,compile $<)
	@cp $< $(basename $@)
	@$(compiler) -MF $(basename $@).d -MT $@ -x c++-header $< -o $@.$$$$ && mv $@.$$$$ $@
ifneq ($(use_precompiled),)
  # For `-include NAME`, g++ takes NAME.gch if it was compiled with the same flags, else NAME.
  with_hot := $(filter-out $(call objects,nn/training/optimizer.cpp),$(hot))
  with_tests := $(filter-out $(shared) $(TESTS)/objects/tests/main.o,$(tests))
  $(with_hot): private own += -include $(for_hot)
  $(with_hot): $(for_hot).gch
  $(cold): private own += -include $(for_cold)
  $(cold): $(for_cold).gch
  $(with_tests): private own += -include $(for_tests)
  $(with_tests): $(for_tests).gch
endif

# A folder's page.cpp takes a page's files into the program.
$(foreach source,$(filter %/page.cpp,$(files)),\
  $(eval $(call objects,$(source)): $(wildcard $(addprefix $(dir $(source))*.,html css js))))

# sentencepiece is optional, and one source knows of it.
$(call objects,data/text/subwords.cpp): private own += $(SENTENCEPIECE_CFLAGS)
$(call objects,data/text/subwords.cpp): $(FOUND_HERE)
# A loop with a square root is vectorised only if roots need not set errno, which nobody reads.
$(call objects,nn/training/optimizer.cpp): private own += -fno-math-errno

# httplib is optional, and one source knows of it.
$(call objects,examples/explore.cpp): private own += $(HTTPLIB_CFLAGS)
$(call objects,examples/explore.cpp): $(FOUND_HERE)

# ---- Linking -------------------------------------------------------------------------------------
# examples/NAME.cpp and the sources in examples/NAME/ become the program NAME,
# including those in C,
in = $(call objects,$(1)/%) $(patsubst %.c,$(BUILD)/objects/%.o,$(wildcard $(1)/*.c))
$(PROGRAMS): $(BUILD)/%: $(BUILD)/objects/examples/%.o $$(call in,examples/$$*) $(libraries)
# Lessons and solutions have what all lessons share,
$(SOLUTIONS): $(BUILD)/%: $(BUILD)/objects/examples/%.o $(libraries)
$(LESSONS) $(SOLUTIONS): $(call in,examples/lesson)
$(BUILD)/gradcheck $(BUILD)/ten_mistakes $(BUILD)/experiments: $(call in,examples/plotting)
$(BUILD)/explore: $(filter-out %/report.o %/session.o,$(call in,examples/explain))
$(BUILD)/explore: private LIBS += $(HTTPLIB_LIBS)
$(BUILD)/experiments: $(call in,examples/seq2seq/settings)
# and so do tests/checks/NAME.cpp and tests/checks/NAME/, with what they share with the tests.
$(BUILD)/selfcheck: $(call objects,examples/gradcheck/junit.cpp)
$(CHECKS): $(BUILD)/%: $(BUILD)/objects/tests/checks/%.o $$(call in,tests/checks/$$*) $(shared) $(libraries)
$(BUILD)/ten_mistakes: $(call in,examples/gradcheck)
# tests/benchmarks/bench_NAME.cpp becomes bench-NAME, with the sources that all benchmarks share.
$(BENCHES): $(BUILD)/bench-%: $(BUILD)/objects/tests/benchmarks/bench_%.o\
  $(filter-out $(BUILD)/objects/tests/benchmarks/bench_%,$(benchmarks)) $(core)
# The fuzzer: with libFuzzer's main(), or else with a plain one of our own.
$(BUILD)/fuzz: $(filter-out $(if $(findstring fuzzer,$(SAN)),%/replay.o),$(call objects,tests/fuzz/%))\
  $(call objects,tests/autograd/support.cpp tests/examples/gradcheck/scripted_peer.cpp examples/gradcheck/% examples/plotting/%\
   examples/explain/% examples/explore/% $(addprefix examples/seq2seq/,settings/% model/% run/% report/%)) $(libraries)
$(BUILD)/fuzz: private LDFLAGS += $(if $(findstring fuzzer,$(SAN)),-fsanitize=fuzzer)
$(BUILD)/race: $(call objects,tests/race/%) $(core)
$(BUILD)/tests: $(libraries) $(tests) $(call in,examples/seq2seq) $(call in,examples/gradcheck) $(call in,examples/lesson)\
  $(call in,examples/explain) $(call in,examples/explore) $(call in,examples/plotting) $(call in,examples/experiments)
$(BUILD)/tests: private LIBS += -lboost_unit_test_framework
$(PROGRAMS) $(SOLUTIONS) $(CHECKS) $(BENCHES) $(BUILD)/fuzz $(BUILD)/race $(BUILD)/tests: $(BUILD)/sources
	@mkdir -p $(@D)
	@$(call step,link $@)
	@$(LINK) $(call ordered,$^) $(LIBS) $(SENTENCEPIECE_LIBS) -o $@
# Of an inline function that several objects hold, a linker takes the first: the optimised one.
ordered = $(filter $(hot),$(1)) $(filter-out $(hot),$(filter %.o,$(1)))

# The libraries for other programs. The archive holds a single object: from several, a linker would
# drop those that nobody calls, and their operations could not register themselves.
VERSION := $(shell sed -n 's/.* version = "\(.*\)";/\1/p' autograd/support/version.h)
ARCHIVE := $(BUILD)/libadjoint.a
SHARED := $(BUILD)/libadjoint.so.$(VERSION)
$(BUILD)/libadjoint.o: $(libraries) $(BUILD)/sources
	@$(call step,link $@)
	@$(CXX) -r -nostdlib $(call ordered,$^) -o $@
$(ARCHIVE): $(BUILD)/libadjoint.o
	@rm -f $@ && ar rcs $@ $<
$(SHARED): $(libraries) $(BUILD)/sources
	@$(call step,link $@)
	@$(LINK) -shared -Wl,-soname,$(@F) $(call ordered,$^) $(LIBS) $(SENTENCEPIECE_LIBS) -o $@

# ---- Rebuilding ----------------------------------------------------------------------------------
# Three files change only when their text does: other flags compile everything again, and a source
# added or removed links again. Warning flags and a learner's own program do neither.
remember = $(shell mkdir -p $(dir $(1)) && echo '$(2)' | cmp -s - $(1) || echo '$(2)' >$(1))
$(BUILD)/flags $(TESTS)/test-flags $(BUILD)/sources: ;
ifneq ($(if $(dry_run),,$(BLAS_LIBS)),)
$(call remember,$(BUILD)/flags,$(COMPILE) $(LIBRARY) $(COLD) $(CXXFLAGS))
$(call remember,$(TESTS)/test-flags,$(subst $(MODE),$(TEST_MODE),$(COMPILE)) $(TEST_FLAGS) $(CXXFLAGS))
$(call remember,$(BUILD)/sources,$(LINK) $(LIBS) $(filter-out $(learners),$(everything)))
endif

-include $(everything:.o=.d) $(precompiled:.gch=.d)

# ---- Targets -------------------------------------------------------------------------------------
.PHONY: help all deps lessons explore train test experiments gradcheck mutations bench compare check check-rest sanitized programs e2e browser\
  docs fuzz fuzz-seeds race race-program starve library install uninstall\
  format lint-format lint-arrows tidy clean

help: ## list the targets and the variables
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20
	@sed -nE 's/^## ?//p' Makefile

all: $(PROGRAMS) ## build every program in examples/ as build/NAME (the default)

deps: ## install what the build needs and is missing; every other target does so, too
	@:

lessons: $(LESSONS) $(SOLUTIONS) ## run the twelve lessons on how autodiff works, and the solutions of their exercises
	@for lesson in $^; do echo "== $$lesson"; $$lesson $(LESSON_ARGS); done

# In a make of its own, which knows of the library that the first line may install.
explore: ## serve a page on which one types an expression and steps through its tape
	@for tool in dot httplib; do .ci/dependencies --tool $$tool; done
	+@$(MAKE) --no-print-directory $(BUILD)/explore
	@$(BUILD)/explore $(EXPLORE_ARGS)

train: $(BUILD)/seq2seq ## train an English to French Transformer and translate sentences it has not seen
	@$< train data/english-french.tsv --output $(BUILD)/english-french --floor 50 --margin 20 \
	  $(if $(findstring --resume,$(TRAIN_ARGS)),,--restart) $(TRAIN_ARGS)

# The tests run the lessons.
test: $(BUILD)/tests $(if $(SAN),,$(LESSONS) $(SOLUTIONS)) ## build and run the tests
	@$(if $(TEST_ARGS),,.ci/halves) $< $(test_args) $(TEST_ARGS)

# In full they replace the stored results, from which README.md, the tables and the pictures are made.
results := examples/experiments/results
quick := $(filter-out 0,$(QUICK))
experiments: $(BUILD)/experiments ## answer the discussion's questions by measuring: most of an hour, or a minute with QUICK=1
	@$(if $(quick),,.ci/dependencies --tool gnuplot)
	@$< all $(if $(quick),--quick --output $(BUILD)/experiments-quick,--output $(results))
	@$(if $(quick),,$< readme --results $(results))

gradcheck: $(BUILD)/selfcheck ## check the derivatives of all operations, layers and whole models
	@$< $(GRADCHECK_ARGS)

mutations: $(BUILD)/mutations ## plant mistakes in every derivative and count those that the checks find
	@$< $(MUTATIONS_ARGS)

# PyTorch is made to load the same BLAS.
bench: $(BENCHES) $(PROGRAMS) ## measure speed and memory; with TORCH=1, PyTorch's too
	@.ci/dependencies --tool python3
	@$(if $(filter-out 0,$(TORCH)),.ci/dependencies --tool torch)
	@python3 tests/benchmarks/report.py $(BUILD) $(if $(filter-out 0,$(TORCH)),--torch) \
	  --blas-folder '$(patsubst -L%,%,$(filter -L%,$(BLAS_LIBS)))' \
	  --configs '$(CONFIGS)' --tables '$(TABLES)' --seconds $(or $(BENCH_S),2) --rounds $(or $(ROUNDS),3)

compare: $(BUILD)/seq2seq ## train the book's models on our corpus with three seeds (minutes)
	@.ci/dependencies --tool python3
	@python3 tests/benchmarks/compare.py $(BUILD) data/english-french.tsv

# $(call stage,ARGUMENTS) runs make with them and prints the time it took.
stage = +@TIMEFORMAT='== make $(1): %0lR'; time $(MAKE) --no-print-directory $(1)
check: ## everything: tests, format, sanitizers, mutations, programs end to end (10 to 15 minutes)
	$(call stage,test)
	$(call stage,check-rest)

# Builds everything before it runs anything, so that the last stages can share the cores.
check-rest:
	$(call stage,lint-format)
	$(call stage,lint-arrows)
	$(call stage,programs)
	+@$(MAKE) --no-print-directory --output-sync=recurse stage-sanitized stage-e2e stage-mutations stage-gradcheck\
	  stage-fuzz-seeds stage-race-program stage-starve stage-docs stage-experiments stage-browser
stage-%:
	$(call stage,$*)
stage-experiments:
	$(call stage,experiments QUICK=1)
stage-browser: # for a check alone, a browser is not installed
	$(if $(shell command -v chromium),$(call stage,browser),@echo 'browser: left out, for want of chromium; make browser installs it')
stage-mutations: # a sample of the half that the diagnosis was not tuned on
	$(call stage,mutations MUTATIONS_ARGS=sample)
sanitized:
	+@$(MAKE) --no-print-directory SAN=address$(comma)undefined test
programs: $(PROGRAMS) $(SOLUTIONS) $(CHECKS) $(BENCHES)

e2e: $(PROGRAMS) $(SOLUTIONS) $(CHECKS) $(BENCHES) library ## run the programs as a user would (tests/e2e)
	@for tool in python3 pkg-config cmake; do .ci/dependencies --tool $$tool; done
	@for script in $(filter-out %/browser.sh,$(sort $(wildcard tests/e2e/*.sh))); do echo "== $$script"; bash $$script $(BUILD); done

browser: $(BUILD)/explain $(BUILD)/seq2seq $(filter $(BUILD)/explore,$(PROGRAMS)) ## try the pages that programs write in a headless Chromium
	@for tool in python3 dot chromium; do .ci/dependencies --tool $$tool; done
	@bash tests/e2e/browser.sh $(BUILD)

# ---- Hostile bytes, many threads, starved machines: see the README.md in each folder --------------
# fuzz and race build with sanitizers of their own, in a make of their own.
HARNESSES := safetensors training_state pairs vocabulary settings tokenizers metrics subwords programs answers expressions requests records word_vectors
FUZZ ?= $(HARNESSES)
FUZZ_S ?= 60
CLANG ?= clang++-19
with = +@$(MAKE) --no-print-directory SAN=$(1)

fuzz: ## search for inputs that break promises, with clang's libFuzzer, for a minute each
	@.ci/dependencies --tool $(CLANG)
	$(call with,address$(comma)undefined$(comma)float-cast-overflow$(comma)fuzzer-no-link) CXX=$(CLANG) WERROR=0 use_precompiled= $(FUZZ:%=search-%)
search-%: $(BUILD)/fuzz
	@mkdir -p $(PLAIN)/fuzz/$*
	@$< $* -max_total_time=$(FUZZ_S) -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
	  -detect_leaks=0 -artifact_prefix=$(PLAIN)/fuzz/$*- $(PLAIN)/fuzz/$* $(wildcard tests/fuzz/seeds/$*) 2>&1 | \
	  grep -vE '^(#[0-9]|INFO|NEW_FUNC)|^\s*NEW' | sed 's/^/$*: /'

fuzz-seeds: ## run the fuzzer's seeds and some inputs like them, without clang
	$(call with,address$(comma)undefined) $(HARNESSES:%=replay-%)
replay-%: $(BUILD)/fuzz
	@cd $(BUILD) && ./fuzz $* 500 $(abspath $(wildcard tests/fuzz/seeds/$*/*)) 2> >(grep -v 'failed to allocate' >&2)

race: race-program ## look for data races with the thread sanitizer, in all tests and a training run
	$(call with,thread) test TEST_ARGS="--run_test='!profile_suite/the_longest_comes_first'"
	$(call with,thread) race-training

race-program: ## the same in a program that uses all shared state at once
	$(call with,thread) race-of-all race-planted
race-of-all: $(BUILD)/race
	@$<
race-planted: $(BUILD)/race
	@if $< planted &>/dev/null; then echo 'race: the planted race was not reported' >&2; exit 1; fi
race-training: $(BUILD)/seq2seq
	@$< train --task reverse --max-length 6 --train-count 300 --held-out-count 20 --epochs 2 --width 32 --hidden 32 \
	  --shards 4 --threads 4 --restart --output $(BUILD)/race-model

starve: $(BUILD)/seq2seq ## train with full disks, little memory, few files, and kills
	@bash tests/starve/starve.sh $(BUILD) $(STARVE_ROUNDS)

# ---- Documentation -------------------------------------------------------------------------------
# Fails at a warning of Doxygen. A class, a struct or an enumeration without a docstring is one;
# functions and members may do without, where a docstring could only repeat the name.
documented = $(shell find README.md autograd nn data examples tests -name README.md) $(wildcard $(results)/*.md)\
  $(filter-out $(addprefix autograd/,gradcheck/% kernels/% ops/% support/%),$(filter autograd/%.h nn/%.h data/%.h,$(files)))\
  $(addprefix autograd/,gradcheck/arrays.h gradcheck/report.h support/ambient.h support/error.h)
needless := : warning: Member .* \((function|variable|typedef|friend)\) of .* is not documented\.$$

docs: ## make build/docs/index.html from the public headers and the README.md files
	@.ci/dependencies --tool doxygen
	@(cat .ci/Doxyfile; echo 'INPUT = $(documented)') | doxygen - 2>&1 | (! grep -vE '$(needless)' >&2)
	@echo 'the documentation is in build/docs/index.html'

# ---- Installation --------------------------------------------------------------------------------
PREFIX ?= /usr/local
prefix := $(DESTDIR)$(abspath $(PREFIX))
# Headers: what adjoint.h includes, and the plain loops that operations of your own are written with.
headers = $$($(CXX) -std=c++20 -I. -MM -x c++ examples/adjoint.h autograd/kernels/elementwise.h |\
  tr -s ' \\' '\n' | grep -E '^(autograd|nn|data)/.*\.h$$' | sort -u)
fill = sed -e 's|@PREFIX@|$(abspath $(PREFIX))|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIBS) $(SENTENCEPIECE_LIBS)|'

library: $(ARCHIVE) $(SHARED) ## build libadjoint as an archive and as a shared library

install: library $(BUILD)/seq2seq ## install headers, libraries and the program seq2seq below PREFIX
	@install -d $(prefix)/bin $(prefix)/lib/pkgconfig $(prefix)/lib/cmake/adjoint
	@install -m 755 $(BUILD)/seq2seq $(prefix)/bin
	@for header in $(headers); do install -D -m 644 $$header $(prefix)/include/adjoint/$$header; done
	@install -m 644 examples/adjoint.h $(prefix)/include/adjoint
	@install -m 644 $(ARCHIVE) $(prefix)/lib
	@install -m 755 $(SHARED) $(prefix)/lib
	@ln -sf $(notdir $(SHARED)) $(prefix)/lib/libadjoint.so
	@$(fill) .ci/package/adjoint.pc.in > $(prefix)/lib/pkgconfig/adjoint.pc
	@for part in config config-version; do $(fill) .ci/package/adjoint-$$part.cmake.in \
	  > $(prefix)/lib/cmake/adjoint/adjoint-$$part.cmake; done
	@echo 'installed in $(prefix)'

uninstall: ## remove what make install put below PREFIX
	@rm -rf $(prefix)/include/adjoint $(prefix)/lib/cmake/adjoint
	@rm -f $(prefix)/bin/seq2seq $(prefix)/lib/libadjoint.* $(prefix)/lib/pkgconfig/adjoint.pc

# ---- Style ---------------------------------------------------------------------------------------
# By default what differs from the last commit; make tidy TIDY_FILES="$(find nn -name '*.cpp')".
TIDY_FILES ?= $(filter %.cpp,$(shell git diff --name-only --diff-filter=d HEAD; git ls-files -o --exclude-standard))

format: ## format the sources in place
	@.ci/dependencies --tool clang-format
	@clang-format -i $(files)

lint-format: ## fail if a source is not formatted
	@.ci/dependencies --tool clang-format
	@clang-format --dry-run -Werror $(files)

lint-arrows: ## fail if a source includes a header of a room above its own
	@.ci/dependencies --tool python3
	@.ci/arrows

tidy: ## run clang-tidy on what has changed since the last commit
	@.ci/dependencies --tool clang-tidy
	@for file in $(TIDY_FILES); do echo "tidy $$file"; clang-tidy --quiet --warnings-as-errors='*' \
	  $$file -- -std=c++20 -I. $(BLAS_CFLAGS) -DBOOST_TEST_DYN_LINK=; done

clean: ## remove build/ with all that was built and trained
	@rm -rf build
