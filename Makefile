# adjoint: build it, train with it, test it. `make help` lists the targets and the variables.

# ---- Settings ------------------------------------------------------------------------------------
# Given on the command line or in the environment. The lines with ## are what `make help` prints.
##
## Variables, as in `make test SAN=address,undefined`:
##   MARCH=native        processor to compile for (x86-64-v3 for a program that has to run elsewhere)
##   SAN=                sanitizers, in a build folder of their own: address,undefined or thread
##   DEBUG=1             unoptimised, with debug information and library assertions; own build folder
##   WERROR=0            let warnings be warnings
##   NO_INSTALL=1        never install anything: say what is missing and stop
##   PREFIX=/usr/local   where make install puts the library, below DESTDIR= if that is given
##   TORCH=1 BENCH_S= CONFIGS= TABLES= ROUNDS=   of make bench: see tests/benchmarks/README.md
##   TRAIN_ARGS= TEST_ARGS= GRADCHECK_ARGS=   further arguments of the programs that are run
##   CXX= CXXFLAGS= LDFLAGS= TEST_OPT=     the compiler, further flags, optimisation of the tests
MARCH ?= native

# ---- Shell and cores -----------------------------------------------------------------------------
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all

# All cores, unless a -j was given; a make called by this one shares them already.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
  MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# ---- Compiler flags ------------------------------------------------------------------------------
# One build folder for each kind of build, so that they do not overwrite each other's objects:
# build, build/debug, build/san-address-undefined. No -ffast-math in any of them: NaN and infinity
# must mean what they mean, and sums must not be reordered behind our back.
comma := ,
debug := $(filter-out 0,$(DEBUG))
PLAIN := build$(if $(debug),/debug)
BUILD := $(PLAIN)$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

PLAIN_MODE := $(if $(debug),-O0 -g -D_GLIBCXX_ASSERTIONS,-O3)
MODE := $(PLAIN_MODE)
ifneq ($(SAN),)
  MODE := $(if $(debug),-O0 -D_GLIBCXX_ASSERTIONS,-O1) -g1 -fno-omit-frame-pointer
  # Without the checks of each pointer, which double the time that compiling takes: null ends the
  # program anyway, and elements lie where an allocation of their type or a copy has put them.
  MODE += -fsanitize=$(SAN) -fno-sanitize=null$(comma)vptr$(comma)alignment -fno-sanitize-recover=all
  # Lets the sanitizer report a crash, with a stack trace, before Boost.Test catches it. Left out is
  # what does like things thousands of times over, for the time it takes: see it run with
  # `make test SAN=address,undefined left_out=`.
  left_out := mutations culprits */a_million* */in_f32_the_cache* */samples_follow* */the_cache_*
  left_out += checkpoint_corruption/a_wrong_byte_in_the_header* */a_run_stopped_at_every_step*
  left_out += */large_functions */the_size_of_error_that_could_be_missed*
  test_args := --catch_system_errors=no $(patsubst %,--run_test='!%',$(left_out))
  export UBSAN_OPTIONS ?= print_stacktrace=1
  # More memory than there is is an error that a test provokes.
  export ASAN_OPTIONS ?= allocator_may_return_null=1
  export TSAN_OPTIONS ?= allocator_may_return_null=1
endif

mode = $(MODE)
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(if $(filter 0,$(WERROR)),,-Werror)
COMPILE = $(CXX) -std=c++20 $(mode) -march=$(MARCH) -fopenmp-simd -pthread -I. $(BLAS_CFLAGS) $(WARNINGS) $(CXXFLAGS)
LINK = $(CXX) $(MODE) -pthread $(LDFLAGS)
LIBS = $(BLAS_LIBS) -lutf8proc

# Tests take long to compile and not long to run: they need less optimisation than what they test,
# and the library's assertions instead. What is to be sanitized is what they test: they themselves
# are those of the build without. (Not for races: there every lock and counter has to be seen.)
TEST_OPT ?= $(if $(debug),-O0,-O1) -D_GLIBCXX_ASSERTIONS
TESTS := $(if $(findstring thread,$(SAN)),$(BUILD),$(PLAIN))
TEST_MODE := $(if $(findstring thread,$(SAN)),$(MODE),$(PLAIN_MODE))

# ---- Dependencies --------------------------------------------------------------------------------
# .ci/dependencies finds the compiler and the libraries, installs what is missing, and writes where
# BLAS is and whether sentencepiece, which is optional, is there. make reads that file, and writes it anew when a header that was found then has gone.
# A dry run (also what a shell does to complete `make t<tab>`) installs nothing.
FOUND_HERE := build/dependencies.mk
export CXX NO_INSTALL
ifneq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
  NO_INSTALL := 1
endif
ifneq ($(filter-out help clean format lint-format lint-arrows uninstall,$(or $(MAKECMDGOALS),all)),)
  include $(FOUND_HERE)
endif
$(FOUND_HERE): .ci/dependencies
	@.ci/dependencies $@

# ---- Sources and what becomes of them ------------------------------------------------------------
# The libraries are linked as objects, not as archives: operations register themselves when a program
# starts, and a linker drops from an archive what nobody calls.
objects = $(patsubst %.cpp,$(BUILD)/objects/%.o,$(wildcard $(1)))
test_objects = $(patsubst %.cpp,$(TESTS)/objects/%.o,$(wildcard $(1)))
rooms := autograd $(addprefix autograd/,support kernels ops tools gradcheck gradcheck/diagnosis)\
  nn $(addprefix nn/,batch layers models training decoding saving checks) data $(addprefix data/,text pairs metrics)
libraries := $(call objects,$(addsuffix /*.cpp,$(rooms)))
# What tests and checks share; it knows nothing of Boost.Test.
shared := $(call test_objects,tests/*/support.cpp tests/autograd/ops/samples.cpp tests/autograd/ops/samples/*.cpp\
  tests/autograd/gradcheck/mutations.cpp tests/autograd/gradcheck/mutations/*.cpp tests/nn/checks/culprits.cpp tests/parity/exchanged.cpp)
tests := $(filter-out $(addprefix $(TESTS)/objects/tests/,benchmarks/% checks/%),\
  $(call test_objects,tests/*.cpp tests/*/*.cpp tests/*/*/*.cpp tests/*/*/*/*.cpp))
checks := $(call objects,tests/checks/*.cpp tests/checks/*/*.cpp)
examples := $(call objects,examples/*.cpp examples/*/*.cpp examples/*/*/*.cpp)
benchmarks := $(call objects,tests/benchmarks/*.cpp)
everything := $(libraries) $(tests) $(checks) $(examples) $(benchmarks)

PROGRAMS := $(patsubst examples/%.cpp,$(BUILD)/%,$(wildcard examples/*.cpp))
CHECKS := $(patsubst tests/checks/%.cpp,$(BUILD)/%,$(wildcard tests/checks/*.cpp))
BENCHES := $(patsubst tests/benchmarks/bench_%.cpp,$(BUILD)/bench-%,$(wildcard tests/benchmarks/bench_*.cpp))

define compile =
	@mkdir -p $(@D)
	@echo 'compile $<'
	@$(COMPILE) $(extra) -MMD -MP $(or $(language),-c) $< -o $@
endef
$(BUILD)/objects/%.o: %.cpp $(BUILD)/flags
	$(compile)
ifneq ($(TESTS),$(BUILD))
$(TESTS)/objects/%.o: %.cpp $(TESTS)/flags
	$(compile)
endif
# Examples and checks only put the libraries to work, and CLI11 takes long to optimise.
$(examples) $(checks): private extra = $(if $(debug),,-O1)
# The same objects make the shared library, which runs wherever in memory it is loaded. No program
# may put its own functions in the place of ours, so the compiler may inline them as ever.
# Floating-point exceptions raise no flag that anybody reads: else a loop that chooses between two
# results cannot be vectorised where registers have no masks (AVX2). NaN and infinity stay what they are.
LIBRARY := -fPIC -fno-semantic-interposition -fno-trapping-math
$(libraries): private extra = $(LIBRARY)
$(libraries): $(BUILD)/library-flags
# Sanitized, only what runs for long is worth the time that optimising takes: the engine's loops.
ifneq ($(SAN),)
  quickly := $(call objects,autograd/gradcheck/*.cpp autograd/gradcheck/*/*.cpp nn/*.cpp nn/*/*.cpp data/*/*.cpp)
  $(quickly): private extra += -O0
endif
# The optional library, in the one source that knows of it.
$(call objects,data/text/subwords.cpp): private extra += $(SENTENCEPIECE_CFLAGS)
$(call objects,data/text/subwords.cpp): $(FOUND_HERE)
# Square roots set no errno, which nobody reads: else a loop with one cannot be vectorised.
$(call objects,nn/training/optimizer.cpp): private extra += -fno-math-errno
precompiled := $(TESTS)/precompiled/for-tests.h.gch
of_tests = $(TEST_OPT) -DBOOST_TEST_DYN_LINK=
$(tests) $(precompiled) $(TESTS)/flags: private mode = $(TEST_MODE)
$(tests): private extra = $(of_tests) $(use_precompiled)
with_precompiled := $(filter-out $(TESTS)/objects/tests/main.o $(shared),$(tests))
$(filter-out $(with_precompiled),$(tests)): private use_precompiled =

# What the tests include, compiled once. For `-include NAME` g++ takes NAME.gch on the include path.
use_precompiled = -I$(dir $(precompiled)) -include for-tests.h
$(with_precompiled): $(precompiled)
$(precompiled): private extra = $(of_tests)
$(precompiled): private language = -x c++-header
$(precompiled): tests/precompiled.h $(TESTS)/flags
	$(compile)
-include $(precompiled:.gch=.d)

# examples/NAME.cpp, with the sources in examples/NAME/ if there are any, is the program NAME.
$(PROGRAMS): $(BUILD)/%: $(BUILD)/objects/examples/%.o $$(call objects,examples/$$*/*.cpp examples/$$*/*/*.cpp) $(libraries)
# So is tests/checks/NAME.cpp, with the sources in tests/checks/NAME/ and what it shares with the tests.
$(CHECKS): $(BUILD)/%: $(BUILD)/objects/tests/checks/%.o $$(call objects,tests/checks/$$*/*.cpp) $(shared) $(libraries)
# tests/benchmarks/bench_NAME.cpp, with the sources there that all of them share, is bench-NAME.
shared_by_benches := $(filter-out $(call objects,tests/benchmarks/bench_*.cpp),$(benchmarks))
$(BENCHES): $(BUILD)/bench-%: $(BUILD)/objects/tests/benchmarks/bench_%.o $(shared_by_benches) $(libraries)
$(BUILD)/tests: $(libraries) $(tests)
$(BUILD)/tests: private LIBS += -lboost_unit_test_framework
$(PROGRAMS) $(CHECKS) $(BENCHES) $(BUILD)/tests: $(BUILD)/sources
	@echo 'link    $@'
	@$(LINK) $(filter %.o,$^) $(LIBS) $(SENTENCEPIECE_LIBS) -o $@

# The libraries for other programs. The archive holds a single object: of several, a linker would
# leave out those that nobody calls, and their operations could not register themselves.
VERSION := $(shell sed -n 's/.* version = "\(.*\)";/\1/p' autograd/support/version.h)
ARCHIVE := $(BUILD)/libadjoint.a
SHARED := $(BUILD)/libadjoint.so.$(VERSION)
$(BUILD)/libadjoint.o: $(libraries) $(BUILD)/sources
	@echo 'link    $@'
	@$(CXX) -r -nostdlib $(filter %.o,$^) -o $@
$(ARCHIVE): $(BUILD)/libadjoint.o
	@rm -f $@ && ar rcs $@ $<
$(SHARED): $(libraries) $(BUILD)/sources
	@echo 'link    $@'
	@$(LINK) -shared -Wl,-soname,$(@F) $(filter %.o,$^) $(LIBS) $(SENTENCEPIECE_LIBS) -o $@

# Three files that change only when their content does: other flags compile everything anew, or the
# libraries, and a source added or removed links anew.
$(BUILD)/flags $(TESTS)/flags: private content = $(COMPILE) $(TEST_OPT)
$(BUILD)/library-flags: private content = $(LIBRARY)
$(BUILD)/sources: private content = $(LINK) $(LIBS) $(everything)
$(sort $(BUILD)/flags $(TESTS)/flags $(BUILD)/library-flags $(BUILD)/sources): force
	@mkdir -p $(@D)
	@echo '$(content)' | cmp -s - $@ || echo '$(content)' > $@

-include $(everything:.o=.d)

# ---- Targets -------------------------------------------------------------------------------------
.PHONY: help all deps train test gradcheck mutations bench compare check check-rest sanitized programs e2e library install uninstall\
  format lint-format lint-arrows tidy clean force

help: ## list the targets and variables
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22
	@sed -nE 's/^## ?//p' Makefile

all: $(PROGRAMS) ## build the programs (the default); make test builds the tests

deps: ## install what the build needs, if it is missing (the other targets do so too)
	@:

train: $(BUILD)/seq2seq ## train the English to French Transformer, translate held-out sentences
	@$< train data/english-french.tsv --output $(BUILD)/english-french --floor 50 --margin 20 \
	  $(if $(findstring --resume,$(TRAIN_ARGS)),,--restart) $(TRAIN_ARGS)

test: $(BUILD)/tests ## build and run the tests
	@$< $(test_args) $(TEST_ARGS)

gradcheck: $(BUILD)/gradcheck ## check the derivatives of every operation, every layer and whole models
	@$< $(GRADCHECK_ARGS)

mutations: $(BUILD)/mutations ## plant mistakes in every derivative: are they found and named?
	@$<

# PyTorch loads the BLAS that we are linked with.
bench: $(BENCHES) $(PROGRAMS) ## measure speed and memory; TORCH=1 beside PyTorch
	@.ci/dependencies --tool python3
	@$(if $(filter-out 0,$(TORCH)),.ci/dependencies --tool torch)
	@python3 tests/benchmarks/report.py $(BUILD) $(if $(filter-out 0,$(TORCH)),--torch) \
	  --blas-folder '$(patsubst -L%,%,$(filter -L%,$(BLAS_LIBS)))' \
	  --configs '$(CONFIGS)' --tables '$(TABLES)' --seconds $(or $(BENCH_S),2) --rounds $(or $(ROUNDS),3)

compare: $(BUILD)/seq2seq ## train the book's models on our corpus, three seeds each: a table (some minutes)
	@.ci/dependencies --tool python3
	@python3 tests/benchmarks/compare.py $(BUILD) data/english-french.tsv

# Each stage with its time: $(call stage,arguments of make)
stage = +@TIMEFORMAT='== make $(1): %0lR'; time $(MAKE) --no-print-directory $(1)
check: ## test, and then all that takes longer: format, sanitizers, programs end to end
	$(call stage,test)
	$(call stage,check-rest)

# Everything is built before it is run: then the last stages can share the cores.
check-rest:
	$(call stage,lint-format)
	$(call stage,lint-arrows)
	$(call stage,programs)
	+@$(MAKE) --no-print-directory --output-sync=recurse stage-sanitized stage-e2e stage-mutations stage-gradcheck
stage-%:
	$(call stage,$*)
# Built first, and then the tests in two halves side by side, by the first letter of their suites.
sanitized:
	+@$(MAKE) --no-print-directory SAN=address$(comma)undefined $(PLAIN)/san-address-undefined/tests
	+@$(MAKE) --no-print-directory --output-sync=recurse sanitized-a-to-g sanitized-others
sanitized-a-to-g: suites = a*,b*,c*,d*,e*,f*,g*
sanitized-others: suites = !a*,b*,c*,d*,e*,f*,g*
sanitized-%:
	+@$(MAKE) --no-print-directory SAN=address$(comma)undefined test TEST_ARGS="--run_test='$(suites)'"
programs: $(PROGRAMS) $(CHECKS) $(BENCHES)

e2e: $(PROGRAMS) $(CHECKS) $(BENCHES) library ## run the programs from end to end as a user would (tests/e2e)
	@for tool in python3 pkg-config cmake; do .ci/dependencies --tool $$tool; done
	@for script in $(sort $(wildcard tests/e2e/*.sh)); do echo "== $$script"; bash $$script $(BUILD); done

# ---- Installation --------------------------------------------------------------------------------
PREFIX ?= /usr/local
prefix := $(DESTDIR)$(abspath $(PREFIX))
# Of the kernels, those that operations of one's own are written with. All others are compiled for a
# processor, and would not be the same in a program that is compiled for another.
headers := $(wildcard autograd/*.h autograd/support/*.h autograd/tools/*.h nn/*.h nn/*/*.h data/*.h data/*/*.h) autograd/kernels/elementwise.h
fill = sed -e 's|@PREFIX@|$(abspath $(PREFIX))|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIBS) $(SENTENCEPIECE_LIBS)|'

library: $(ARCHIVE) $(SHARED) ## build libadjoint, as an archive and as a shared library

install: library ## install headers and libraries for other programs
	@install -d $(prefix)/lib/pkgconfig $(prefix)/lib/cmake/adjoint
	@for header in $(headers); do install -D -m 644 $$header $(prefix)/include/adjoint/$$header; done
	@install -m 644 $(ARCHIVE) $(prefix)/lib
	@install -m 755 $(SHARED) $(prefix)/lib
	@ln -sf $(notdir $(SHARED)) $(prefix)/lib/libadjoint.so
	@$(fill) .ci/package/adjoint.pc.in > $(prefix)/lib/pkgconfig/adjoint.pc
	@for part in config config-version; do $(fill) .ci/package/adjoint-$$part.cmake.in \
	  > $(prefix)/lib/cmake/adjoint/adjoint-$$part.cmake; done
	@echo 'installed in $(prefix)'

uninstall: ## remove what make install has put there
	@rm -rf $(prefix)/include/adjoint $(prefix)/lib/cmake/adjoint
	@rm -f $(prefix)/lib/libadjoint.* $(prefix)/lib/pkgconfig/adjoint.pc

# ---- Style ---------------------------------------------------------------------------------------
style_files = $(shell find autograd nn data examples tests -name '*.h' -o -name '*.cpp')
# What differs from the last commit; `make tidy TIDY_FILES="$(find nn -name '*.cpp')"` for more.
TIDY_FILES ?= $(filter %.cpp,$(shell git diff --name-only --diff-filter=d HEAD; git ls-files -o --exclude-standard))

format: ## format the sources in place
	@.ci/dependencies --tool clang-format
	@clang-format -i $(style_files)

lint-format: ## fail if a source is not formatted
	@.ci/dependencies --tool clang-format
	@clang-format --dry-run -Werror $(style_files)

lint-arrows: ## fail if an include points from a room to one above it
	@.ci/dependencies --tool python3
	@.ci/arrows

tidy: ## run clang-tidy on what has changed since the last commit
	@.ci/dependencies --tool clang-tidy
	@for file in $(TIDY_FILES); do echo "tidy $$file"; clang-tidy --quiet --warnings-as-errors='*' \
	  $$file -- -std=c++20 -I. $(BLAS_CFLAGS) -DBOOST_TEST_DYN_LINK=; done

clean: ## remove build/, models trained into it included
	@rm -rf build
