# What every target of the project is compiled with: link blasconv_warnings PRIVATE.
add_library(blasconv_warnings INTERFACE)
target_compile_options(blasconv_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${BLASCONV_WERROR}>:-Werror>)
